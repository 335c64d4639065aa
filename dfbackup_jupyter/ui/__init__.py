"""What a user types and sees: the ``%backup`` magics, their results, completion. No logic."""
