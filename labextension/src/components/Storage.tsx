import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import type { BackupModel } from '../model';
import { bytes } from '../text';
import { CommandIDs } from '../tokens';
import type { Words } from '../translation';
import { useModel } from './useModel';

type Props = { model: BackupModel; commands: CommandRegistry; words: Words };

/** What the backups take on disk. */
export function Storage({ model, commands, words: { trans } }: Props): React.JSX.Element {
  useModel(model);
  const { stats } = model;
  const run = (id: string) => () => void commands.execute(id);
  const count = (numbers: { [key: string]: number }): number =>
    Object.values(numbers).reduce((sum, number) => sum + number, 0);
  return (
    <div className="dfb-Storage">
      {stats === null ? (
        <p>{trans.__('The disk use is not known yet.')}</p>
      ) : (
        <>
          <dl>
            <dt>{trans.__('Backups')}</dt>
            <dd>
              {trans.__(
                '%1 of this session, %2 of all notebooks',
                stats.session_backups,
                count(stats.backups)
              )}
            </dd>
            <dt>{trans.__('On disk')}</dt>
            <dd>
              {trans.__('%1 for %2 of data', bytes(stats.bytes_on_disk), bytes(stats.bytes_raw))}
            </dd>
            <dt>{trans.__('Free')}</dt>
            <dd>{bytes(stats.bytes_free)}</dd>
            <dt>{trans.__('Folder')}</dt>
            <dd className="dfb-Storage-folder">{stats.store}</dd>
          </dl>
          <meter
            min={0}
            max={stats.bytes_on_disk + stats.bytes_free}
            value={stats.bytes_on_disk}
            aria-label={trans.__('Share of the disk space that backups take')}
          />
        </>
      )}
      <div className="dfb-Storage-buttons">
        <button
          type="button"
          className="jp-mod-styled"
          disabled={!model.isReady}
          onClick={run(CommandIDs.manage)}
        >
          {trans.__('Backup management')}
        </button>
        <button
          type="button"
          className="jp-mod-styled"
          disabled={!model.isReady}
          onClick={run(CommandIDs.verify)}
        >
          {trans.__('Verify all')}
        </button>
      </div>
    </div>
  );
}
