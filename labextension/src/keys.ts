/**
 * Let the lists in a panel have the keys that move in them.
 *
 * A panel in the output of a cell is part of a notebook in command mode, where the arrows choose
 * cells. Only lists are spared: elsewhere in a panel, shortcuts work as they do beside it.
 */
export function keepKeys(page: Document): void {
  page.addEventListener('focusin', ({ target }) => {
    if (target instanceof HTMLSelectElement && target.closest('.dfb-panel') !== null) {
      target.setAttribute('data-lm-suppress-shortcuts', 'true');
    }
  });
}
