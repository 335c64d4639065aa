import type { CommandRegistry } from '@lumino/commands';
import { TextItem } from '@jupyterlab/statusbar';
import * as React from 'react';

import type { BackupModel } from '../model';
import { ago } from '../text';
import { CommandIDs } from '../tokens';
import type { Words } from '../translation';
import { useModel } from './useModel';
import { useNow } from './useNow';

type Props = { model: BackupModel; commands: CommandRegistry; words: Words };

/** How many backups there are, and how old the newest is. */
export function StatusText({ model, commands, words: { trans } }: Props): React.JSX.Element | null {
  useModel(model);
  const now = useNow();
  const show = (): void => void commands.execute(CommandIDs.show);
  const { status } = model;
  if (status === null && model.protection !== 'not-loaded') {
    return null;
  }
  let source = trans.__('Not backed up');
  if (status !== null && model.protection !== 'unprotected') {
    source = trans._n('%1 backup', '%1 backups', status.session_backups);
    if (status.last !== null) {
      source += ` · ${ago(status.last.created, now, trans)}`;
    }
  }
  return (
    <TextItem
      role="button"
      tabIndex={0}
      className="dfb-StatusText"
      data-protection={model.protection}
      source={source}
      title={status?.problem ?? trans.__('Show the backups of the frames in this notebook')}
      onClick={show}
      onKeyDown={(event: React.KeyboardEvent) => {
        if (event.key === 'Enter' || event.key === ' ') {
          event.preventDefault();
          show();
        }
      }}
    />
  );
}
