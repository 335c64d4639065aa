"""Making a stranger's manifest ours: nothing in it is believed before it is checked."""

from __future__ import annotations

from dataclasses import replace

from dfbackup_jupyter.backup import JSON, Backup, Kind
from dfbackup_jupyter.drafts import checked_name
from dfbackup_jupyter.errors import ArchiveError, DamagedData, InvalidRequest
from dfbackup_jupyter.staging import read_backup


def adopted(manifest: JSON, draft: Backup, *, trust: bool, file: str) -> JSON:
    """Return a foreign manifest under the draft's ID, session and notebook.

    Parameters
    ----------
    trust : bool
        Whether its pickled parts may be read. What the file says of itself does not count.
    file : str
        Where it came from, for the provenance.

    Raises
    ------
    ArchiveError
        It does not describe a backup.
    """
    try:
        foreign = read_backup(manifest)
        backup = replace(
            foreign,
            id=draft.id,
            name=checked_name(foreign.name),
            kind=Kind.IMPORT,
            created=draft.created,
            session=draft.session,
            notebook=draft.notebook,
            kernel=draft.kernel,
            process=draft.process,
            provenance=replace(foreign.provenance, reason=f"imported from {file}"),
            trusted=trust,
            pinned=False,
        )
        return {"id": backup.id, "objects": manifest["objects"], "backup": backup.to_dict()}
    except (DamagedData, InvalidRequest) as error:
        raise ArchiveError(
            f"{file} does not describe a backup that can be read.",
            "Export it again with %backup export.",
        ) from error
