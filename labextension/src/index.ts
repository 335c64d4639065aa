import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IConsoleTracker } from '@jupyterlab/console';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';

import { Actions } from './actions';
import { Badges } from './badges';
import { addCommands } from './commands';
import { Follower } from './follow';
import { keepKeys } from './keys';
import { Links } from './link';
import { BackupModel } from './model';
import { offerRecovery } from './recovery';
import { followSettings, type Settings } from './settings';
import { addStatusItem } from './statusbar';
import { BACKUP_COMMANDS, GENERAL_COMMANDS, PLUGIN_ID, SIDEBAR_ID } from './tokens';
import { words as wordsOf } from './translation';
import { ManagementPanel } from './widgets/management';
import { BackupSidebar } from './widgets/sidebar';
import { Views } from './widgets/views';

/** The backups of the frames in the current notebook or console. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'The safety net for the DataFrames in your notebooks.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [
    ILabShell,
    IConsoleTracker,
    ICommandPalette,
    ILayoutRestorer,
    ISettingRegistry,
    IStatusBar,
    ITranslator
  ],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    labShell: ILabShell | null,
    consoles: IConsoleTracker | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    registry: ISettingRegistry | null,
    statusBar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    const { commands } = app;
    const words = wordsOf(translator ?? nullTranslator);
    const { trans } = words;
    const links = new Links();
    const model = new BackupModel(links);
    const follower = new Follower(model, notebooks, consoles, labShell?.currentChanged ?? null);
    const views = new Views(app, labShell, words);

    const manage = (): void => {
      const { current } = follower;
      if (current === null || model.link === null) {
        return;
      }
      const { link } = model;
      const { session, rendermime } = current;
      const title = trans.__('Backups of %1', session.name);
      views.manager(link.id, title, () => new ManagementPanel(session, link, rendermime));
    };
    const show = (): void => app.shell.activateById(SIDEBAR_ID);
    const hit = (): string | undefined =>
      app.contextMenuHitTest(node => 'backup' in node.dataset)?.dataset['backup'];
    const actions = new Actions(model, views, words);
    addCommands(commands, model, actions, { show, manage }, words, hit);
    offerRecovery(model, actions, words);

    const sidebar = new BackupSidebar(model, commands, words, translator ?? undefined);
    app.shell.add(sidebar, 'right', { rank: 900, type: 'DataFrame backups' });
    restorer?.add(sidebar, SIDEBAR_ID);

    for (const command of GENERAL_COMMANDS) {
      palette?.addItem({ command, category: trans.__('DataFrame backups') });
    }
    BACKUP_COMMANDS.forEach((command, rank) => {
      app.contextMenu.addItem({ command, selector: '.dfb-Entry', rank });
    });

    keepKeys(document);

    const badges = new Badges(links, commands, words);
    app.docRegistry.addWidgetExtension('Notebook', badges);

    let statusItem: IDisposable | null = null;
    const apply = (settings: Settings): void => {
      if (badges.enabled !== settings.badges) {
        badges.enabled = settings.badges;
      }
      model.fold = settings.fold;
      if (statusBar !== null && settings.statusBar !== (statusItem !== null)) {
        statusItem?.dispose();
        statusItem = settings.statusBar ? addStatusItem(statusBar, model, commands, words) : null;
      }
    };
    const usual: Settings = { badges: true, statusBar: true, fold: true };
    if (registry === null) {
      apply(usual);
    } else {
      followSettings(registry, PLUGIN_ID, apply).catch((reason: unknown) => {
        console.error('The settings of dfbackup-jupyter could not be read.', reason);
        apply(usual);
      });
    }
  }
};

export default plugin;
