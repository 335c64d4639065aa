import * as React from 'react';

import type { BackupModel, Scope } from '../model';
import type { Words } from '../translation';
import { useModel } from './useModel';

type Props = { model: BackupModel; words: Words };

/** What the timeline is to show. */
export function Filter({ model, words: { trans } }: Props): React.JSX.Element {
  useModel(model);
  return (
    <div className="dfb-Filter" role="search">
      <input
        type="search"
        className="jp-mod-styled"
        placeholder={trans.__('Search names, frames, code')}
        aria-label={trans.__('Search backups')}
        value={model.query}
        onChange={event => {
          model.query = event.target.value;
        }}
      />
      <select
        className="jp-mod-styled"
        aria-label={trans.__('Which backups')}
        value={model.scope}
        onChange={event => {
          model.scope = event.target.value as Scope;
        }}
      >
        <option value="session">{trans.__('This session')}</option>
        <option value="notebook">{trans.__('This notebook')}</option>
        <option value="all">{trans.__('All notebooks')}</option>
      </select>
    </div>
  );
}
