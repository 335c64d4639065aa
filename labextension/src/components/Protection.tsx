import type { CommandRegistry } from '@lumino/commands';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { BackupModel } from '../model';
import { ago, bytes, left, title } from '../text';
import { CommandIDs } from '../tokens';
import type { Words } from '../translation';
import { useModel } from './useModel';
import { useNow } from './useNow';

type Props = { model: BackupModel; commands: CommandRegistry; words: Words };

/** Whether the frames of the current notebook are safe, and if not, why. */
export function Protection({ model, commands, words: { trans } }: Props): React.JSX.Element {
  useModel(model);
  const now = useNow();
  const { headline, detail } = describe(model, trans);
  const status = model.status;
  const frames = Object.keys(status?.frames ?? {}).length;
  return (
    <section className="dfb-Protection" aria-label={trans.__('Protection')}>
      {model.title && <div className="dfb-Protection-source">{model.title}</div>}
      <div role="status" className="dfb-Protection-state" data-protection={model.protection}>
        <strong>{headline}</strong>
        {detail && <p>{detail}</p>}
      </div>
      {model.protection === 'not-loaded' && (
        <button
          type="button"
          className="jp-mod-styled jp-mod-accept dfb-Protection-button"
          onClick={() => void commands.execute(CommandIDs.turnOn)}
        >
          {trans.__('Turn on')}
        </button>
      )}
      {status !== null && status.recoverable[0] !== undefined && (
        <div className="dfb-Protection-left">
          <p>{left(status.recoverable[0], now, trans)}</p>
          <button
            type="button"
            className="jp-mod-styled jp-mod-accept dfb-Protection-button"
            onClick={() => void commands.execute(CommandIDs.recover)}
          >
            {trans.__('Bring back')}
          </button>
        </div>
      )}
      {status !== null && status.problem === null && !status.auto && (
        <button
          type="button"
          className="jp-mod-styled jp-mod-accept dfb-Protection-button"
          onClick={() => void commands.execute(CommandIDs.auto)}
        >
          {trans.__('Turn automatic backups on')}
        </button>
      )}
      {status !== null && (
        <p className="dfb-Protection-last">
          {trans._n('%1 frame watched', '%1 frames watched', frames)}
          {' · '}
          {status.last === null
            ? trans.__('no backup yet')
            : trans.__(
                'last backup %1: %2',
                ago(status.last.created, now, trans),
                title(status.last, trans)
              )}
        </p>
      )}
      {status !== null && status.unwatched.length > 0 && (
        <details className="dfb-Protection-unwatched">
          <summary>
            {trans._n(
              '%1 thing is not watched',
              '%1 things are not watched',
              status.unwatched.length
            )}
          </summary>
          <ul>
            {status.unwatched.map(line => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function describe(
  model: BackupModel,
  trans: TranslationBundle
): { headline: string; detail: string } {
  switch (model.protection) {
    case 'no-kernel':
      return {
        headline: trans.__('No kernel'),
        detail: trans.__('Open a notebook or a console with a running kernel to see its backups.')
      };
    case 'unsupported':
      return {
        headline: trans.__('Not a Python kernel'),
        detail: trans.__('Backups are of pandas, polars and Arrow frames in Python kernels.')
      };
    case 'not-loaded':
      return {
        headline: trans.__('Not protected'),
        detail: trans.__('Backups are not turned on in this kernel.')
      };
    case 'waiting':
      return {
        headline: trans.__('Nothing to protect yet'),
        detail: trans.__('Protection begins by itself when this kernel imports pandas.')
      };
    case 'incompatible':
      return {
        headline: trans.__('Versions do not fit'),
        detail: trans.__(
          'The package in the kernel and this extension are of different versions. Install the same one for both, then reload the page and restart the kernel.'
        )
      };
    case 'dead':
      return {
        headline: trans.__('The kernel is dead'),
        detail: trans.__('Committed backups are safe on disk. Restart the kernel to restore them.')
      };
    case 'busy':
      return {
        headline: trans.__('The kernel is busy'),
        detail: trans.__('The state appears when the running cell has ended.')
      };
    case 'connecting':
      return { headline: trans.__('Connecting to the kernel…'), detail: '' };
    case 'writing':
      return {
        headline: trans.__('Protected'),
        detail: trans.__('Writing %1…', bytes(model.status?.writing ?? 0))
      };
    case 'protected':
      return { headline: trans.__('Protected'), detail: '' };
    case 'unprotected':
      return {
        headline: trans.__('Not protected'),
        detail: model.status?.problem ?? trans.__('Automatic backups are turned off.')
      };
  }
}
