import {
  caretDownIcon,
  caretRightIcon,
  deleteIcon,
  downloadIcon,
  editIcon,
  undoIcon
} from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import { compareIcon, lookIcon, pinIcon } from '../icons';
import type { Backup } from '../protocol';
import { ago, clock, kind, title } from '../text';
import { CommandIDs } from '../tokens';
import type { Words } from '../translation';
import { BackupDetails } from './BackupDetails';
import { IconButton } from './IconButton';

type Props = {
  backup: Backup;
  /** Whether it is of another notebook. */
  elsewhere: boolean;
  /** The backup that others can be compared with. */
  marked: string | null;
  now: number;
  commands: CommandRegistry;
  words: Words;
};

/** One backup in the timeline. */
export function BackupEntry({
  backup,
  elsewhere,
  marked,
  now,
  commands,
  words
}: Props): React.JSX.Element {
  const { trans, language } = words;
  const [open, setOpen] = React.useState(false);
  const Caret = open ? caretDownIcon : caretRightIcon;
  const id = `dfb-details-${backup.id}`;
  const run = (command: string) => () => void commands.execute(command, { id: backup.id });
  const called = title(backup, trans);
  return (
    <li className="dfb-Entry" data-backup={backup.id} data-kind={backup.kind}>
      <div className="dfb-Entry-line">
        <button
          type="button"
          className="dfb-Entry-head"
          aria-expanded={open}
          aria-controls={id}
          onClick={() => setOpen(!open)}
        >
          <Caret.react tag="span" width="16px" aria-hidden="true" />
          <time dateTime={backup.created} title={ago(backup.created, now, trans)}>
            {clock(backup.created, language)}
          </time>
          <span className="dfb-Entry-title" title={called}>
            {called}
          </span>
          {backup.pinned && (
            <span className="dfb-Entry-pin">
              <pinIcon.react tag="span" width="12px" title={trans.__('Pinned')} />
              <span className="dfb-hidden">{trans.__('Pinned')}</span>
            </span>
          )}
          {backup.name && <span className="dfb-Entry-kind">{kind(backup.kind, trans)}</span>}
        </button>
        <IconButton
          icon={undoIcon}
          label={trans.__('Restore “%1”…', called)}
          onClick={run(CommandIDs.restore)}
        />
      </div>
      <div id={id} hidden={!open}>
        {open && (
          <>
            <BackupDetails backup={backup} elsewhere={elsewhere} words={words} />
            <div className="dfb-Entry-actions" role="group" aria-label={trans.__('Actions')}>
              <IconButton
                wide
                icon={undoIcon}
                label={trans.__('Restore…')}
                onClick={run(CommandIDs.restore)}
              />
              <IconButton
                wide
                icon={compareIcon}
                label={trans.__('Compare')}
                onClick={run(
                  marked && marked !== backup.id ? CommandIDs.compareMarked : CommandIDs.compare
                )}
              />
              <IconButton
                icon={lookIcon}
                label={trans.__('Look into it')}
                onClick={run(CommandIDs.look)}
              />
              <IconButton
                icon={editIcon}
                label={trans.__('Rename…')}
                onClick={run(CommandIDs.rename)}
              />
              <IconButton
                icon={pinIcon}
                label={backup.pinned ? trans.__('Unpin') : trans.__('Pin')}
                pressed={backup.pinned}
                onClick={run(CommandIDs.pin)}
              />
              <IconButton
                icon={downloadIcon}
                label={trans.__('Export…')}
                onClick={run(CommandIDs.export)}
              />
              <IconButton
                icon={deleteIcon}
                label={trans.__('Delete…')}
                onClick={run(CommandIDs.delete)}
              />
            </div>
          </>
        )}
      </div>
    </li>
  );
}
