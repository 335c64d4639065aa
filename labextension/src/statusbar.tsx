import type { IStatusBar } from '@jupyterlab/statusbar';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { IDisposable } from '@lumino/disposable';
import * as React from 'react';

import { StatusText } from './components/StatusText';
import type { BackupModel } from './model';
import type { Words } from './translation';

/** Add "12 backups · 2 min ago" to the status bar. */
export function addStatusItem(
  statusBar: IStatusBar,
  model: BackupModel,
  commands: CommandRegistry,
  words: Words
): IDisposable {
  const item = ReactWidget.create(<StatusText model={model} commands={commands} words={words} />);
  return statusBar.registerStatusItem('dfbackup-jupyter:status', {
    item,
    align: 'left',
    rank: 30
  });
}
