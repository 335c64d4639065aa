import type { ILabShell, JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, MainAreaWidget } from '@jupyterlab/apputils';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { Widget } from '@lumino/widgets';

import { backupIcon, compareIcon } from '../icons';
import type { Words } from '../translation';
import { ResultWidget } from './html';

/** Where results and the management panel are shown. */
export class Views {
  constructor(app: JupyterFrontEnd, labShell: ILabShell | null, { trans }: Words) {
    this._app = app;
    this._labShell = labShell;
    this._close = trans.__('Close');
  }

  /** Show a result in a tab; in a dialog where the shell has one document only. */
  async result(id: string, title: string, html: string): Promise<void> {
    if (this._labShell === null) {
      await this._dialog(title, new ResultWidget(html));
      return;
    }
    const known = this._results.get(id);
    if (known !== undefined && !known.isDisposed) {
      known.content.html = html;
      this._app.shell.activateById(known.id);
      return;
    }
    const tab = new MainAreaWidget({ content: new ResultWidget(html) });
    this._results.set(id, tab);
    this._add(tab, `dfbackup-result-${id}`, title, compareIcon);
  }

  /** Show a kernel's management panel beside its document, or in a dialog, as results are. */
  manager(id: string, title: string, make: () => Widget): void {
    if (this._labShell === null) {
      void this._dialog(title, make());
      return;
    }
    const known = this._managers.get(id);
    if (known !== undefined && !known.isDisposed) {
      this._app.shell.activateById(known.id);
      return;
    }
    const tab = new MainAreaWidget({ content: make() });
    this._managers.set(id, tab);
    this._add(tab, `dfbackup-management-${id}`, title, backupIcon);
  }

  private async _dialog(title: string, body: Widget): Promise<void> {
    const dialog = new Dialog({
      title,
      body,
      buttons: [Dialog.okButton({ label: this._close })]
    });
    dialog.addClass('dfb-Dialog');
    await dialog.launch();
  }

  private _add(tab: MainAreaWidget, id: string, title: string, icon: LabIcon): void {
    tab.id = id;
    tab.title.label = title;
    tab.title.caption = title;
    tab.title.icon = icon;
    tab.title.closable = true;
    const ref = this._last?.isDisposed === false ? this._last.id : null;
    const place =
      ref === null ? { mode: 'split-right' as const } : { mode: 'tab-after' as const, ref };
    this._app.shell.add(tab, 'main', place);
    this._last = tab;
    this._app.shell.activateById(tab.id);
  }

  private readonly _app: JupyterFrontEnd;
  private readonly _labShell: ILabShell | null;
  private readonly _close: string;
  /** Our newest tab: one column beside the document is enough. */
  private _last: MainAreaWidget | null = null;
  private readonly _managers = new Map<string, MainAreaWidget>();
  private readonly _results = new Map<string, MainAreaWidget<ResultWidget>>();
}
