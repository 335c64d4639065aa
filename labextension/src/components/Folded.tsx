import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Backup } from '../protocol';
import { clock } from '../text';
import type { Words } from '../translation';

type Props = {
  backups: Backup[];
  words: Words;
  children: (backup: Backup) => React.JSX.Element;
};

/** Several automatic backups, as one line until it is opened. */
export function Folded({
  backups,
  words: { trans, language },
  children
}: Props): React.JSX.Element {
  const [open, setOpen] = React.useState(false);
  const Caret = open ? caretDownIcon : caretRightIcon;
  const first = backups.at(-1)?.created ?? '';
  const last = backups[0]?.created ?? '';
  return (
    <>
      <li className="dfb-Folded">
        <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Caret.react tag="span" width="16px" aria-hidden="true" />
          <span className="dfb-Folded-count">
            {trans._n('%1 automatic backup', '%1 automatic backups', backups.length)}
          </span>
          <span className="dfb-Folded-times">
            {clock(first, language)} – {clock(last, language)}
          </span>
        </button>
      </li>
      {open && backups.map(children)}
    </>
  );
}
