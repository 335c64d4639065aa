import { addIcon, redoIcon, undoIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import { backupIcon } from '../icons';
import type { BackupModel } from '../model';
import { CommandIDs } from '../tokens';
import type { Words } from '../translation';
import { IconButton } from './IconButton';
import { useModel } from './useModel';

type Props = { model: BackupModel; commands: CommandRegistry; words: Words };

/** What can be done with the session as a whole. */
export function Actions({ model, commands, words: { trans } }: Props): React.JSX.Element {
  useModel(model);
  const { status } = model;
  const run = (id: string) => () => void commands.execute(id);
  return (
    <div className="dfb-Actions" role="group" aria-label={trans.__('Actions')}>
      <IconButton
        wide
        icon={backupIcon}
        label={trans.__('Quick backup')}
        disabled={!model.isReady}
        onClick={run(CommandIDs.quickBackup)}
      />
      <IconButton
        icon={addIcon}
        label={trans.__('New backup with a name…')}
        disabled={!model.isReady}
        onClick={run(CommandIDs.create)}
      />
      <IconButton
        wide
        icon={undoIcon}
        label={trans.__('Undo')}
        disabled={!status?.undo}
        onClick={run(CommandIDs.undo)}
      />
      <IconButton
        wide
        icon={redoIcon}
        label={trans.__('Redo')}
        disabled={!status?.redo}
        onClick={run(CommandIDs.redo)}
      />
      {status?.undo && (
        <p className="dfb-Actions-next">{trans.__('Undo would take back: %1', status.undo)}</p>
      )}
      {[...model.progress.values()].map(({ request, label, done, total }) => (
        <label className="dfb-Progress" key={request}>
          {label}
          <progress value={total > 0 ? done / total : undefined} />
        </label>
      ))}
    </div>
  );
}
