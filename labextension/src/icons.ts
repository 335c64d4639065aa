import { LabIcon } from '@jupyterlab/ui-components';

const SHIELD = 'M12 2 4 5v6.1c0 5 3.4 9.7 8 10.9 4.6-1.2 8-5.9 8-10.9V5l-8-3z';

function icon(name: string, drawing: string): LabIcon {
  return new LabIcon({
    name: `dfbackup:${name}`,
    svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">${drawing}</svg>`
  });
}

/** A shield with a table on it. */
export const backupIcon = icon(
  'backup',
  `<path class="jp-icon3" fill="#616161" fill-rule="evenodd" d="${SHIELD}M7 8h10v8.2H7z` +
    'm1.4 1.4v1.4h2.9V9.4zm4.3 0v1.4h2.9V9.4zm-4.3 2.7v2.7h2.9v-2.7zm4.3 0v2.7h2.9v-2.7z"/>'
);

/** A pin. */
export const pinIcon = icon(
  'pin',
  '<path class="jp-icon3" fill="#616161" d="M16 3v2l-1 1v5l3 3v2h-5v5l-1 1-1-1v-5H6v-2l3-3V6L8 5V3z"/>'
);

/** Two columns, side by side. */
export const compareIcon = icon(
  'compare',
  '<path class="jp-icon3" fill="#616161" d="M11 3H4v18h7v2h2V1h-2zm0 15H6l5-6zM20 3h-5v2h5v14l-5-7v9h5z"/>'
);

/** An eye. */
export const lookIcon = icon(
  'look',
  '<path class="jp-icon3" fill="#616161" d="M12 5C6.5 5 2.5 10 1.5 12c1 2 5 7 10.5 7s9.5-5 10.5-7' +
    'c-1-2-5-7-10.5-7zm0 11.5a4.5 4.5 0 1 1 0-9 4.5 4.5 0 0 1 0 9zm0-2a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z"/>'
);
