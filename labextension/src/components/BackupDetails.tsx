import * as React from 'react';

import type { Backup } from '../protocol';
import { bytes } from '../text';
import type { Words } from '../translation';

type Props = { backup: Backup; elsewhere: boolean; words: Words };

/** What a backup holds, and why it was made. */
export function BackupDetails({ backup, elsewhere, words }: Props): React.JSX.Element {
  const { trans, language } = words;
  const { cell, execution_count, reason } = backup.provenance;
  return (
    <div className="dfb-Details">
      {backup.description && <p>{backup.description}</p>}
      {!backup.committed && (
        <p className="dfb-Details-warning">{trans.__('Not on disk yet: it is being written.')}</p>
      )}
      {!backup.trusted && (
        <p className="dfb-Details-warning">
          {trans.__('Imported from a file that is not trusted: its pickled parts are not read.')}
        </p>
      )}
      <table className="dfb-Details-frames">
        <caption className="dfb-hidden">{trans.__('Frames')}</caption>
        <thead className="dfb-hidden">
          <tr>
            <th scope="col">{trans.__('Frame')}</th>
            <th scope="col">{trans.__('Rows × columns')}</th>
            <th scope="col">{trans.__('Size')}</th>
          </tr>
        </thead>
        <tbody>
          {backup.frames.map(frame => (
            <tr key={frame.name}>
              <th scope="row" title={frame.type}>
                {[frame.name, ...frame.aliases].join(' = ')}
              </th>
              <td>
                {frame.rows.toLocaleString(language)} × {frame.columns.toLocaleString(language)}
              </td>
              <td>{bytes(frame.bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {reason && <p>{reason}</p>}
      {cell !== null && (
        <figure className="dfb-Details-cell">
          <figcaption>
            {execution_count === null
              ? trans.__('The cell')
              : trans.__('The cell [%1]', execution_count)}
          </figcaption>
          {/* It scrolls, so it must be reachable with the keyboard. */}
          <pre tabIndex={0}>{cell}</pre>
        </figure>
      )}
      <p className="dfb-Details-id">
        {elsewhere && <span>{backup.notebook}</span>}
        <code>{backup.id}</code>
        <span>{trans.__('%1 on disk', bytes(backup.bytes_stored))}</span>
      </p>
    </div>
  );
}
