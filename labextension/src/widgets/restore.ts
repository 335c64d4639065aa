import type { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { PanelLayout, Widget } from '@lumino/widgets';

import type { Backup, Restored } from '../protocol';
import { ResultWidget } from './html';

/** What the user wants of a backup. */
export type Wish = { only?: string[]; as_name?: string; exact?: boolean };

/** What a restore would do, and the choice of what to restore. */
export class RestoreBody extends Widget implements Dialog.IBodyWidget<Wish> {
  constructor(backup: Backup, would: Restored, html: string, trans: TranslationBundle) {
    super();
    this.addClass('dfb-Restore');
    const layout = (this.layout = new PanelLayout());
    const form = new Widget();
    form.addClass('dfb-Restore-form');
    layout.addWidget(form);

    const lines: [string, string[]][] = [
      [trans.__('Brought back'), would.restored],
      [trans.__('Already as in the backup'), would.untouched],
      [trans.__('Session variables brought back'), would.state],
      [trans.__('Note'), would.warnings]
    ];
    const list = document.createElement('dl');
    for (const [label, names] of lines) {
      if (names.length > 0) {
        list.append(element('dt', label), element('dd', names.join(', ')));
      }
    }
    form.node.append(list);

    const fields = document.createElement('fieldset');
    fields.append(element('legend', trans.__('Frames')));
    for (const frame of backup.frames) {
      const box = document.createElement('input');
      box.type = 'checkbox';
      box.checked = true;
      box.value = frame.name;
      box.addEventListener('change', () => this._update());
      this._boxes.push(box);
      fields.append(labelled(box, `${frame.name} (${frame.rows} × ${frame.columns})`));
    }
    form.node.append(fields);

    this._as.type = 'text';
    this._as.className = 'jp-mod-styled';
    this._as.placeholder = trans.__('as before');
    const name = labelled(this._as, trans.__('Under another name (one frame only): '), false);
    this._exact.type = 'checkbox';
    const exact = labelled(
      this._exact,
      trans.__('Also take away frames that the backup does not know')
    );
    form.node.append(name, exact);
    this._update();

    layout.addWidget(new ResultWidget(html));
  }

  getValue(): Wish {
    const chosen = this._chosen();
    const wish: Wish = {};
    if (chosen.length < this._boxes.length) {
      wish.only = chosen;
    }
    const name = this._as.value.trim();
    if (name && chosen.length === 1) {
      wish.only = chosen;
      wish.as_name = name;
    }
    if (this._exact.checked && wish.only === undefined) {
      wish.exact = true;
    }
    return wish;
  }

  private _chosen(): string[] {
    return this._boxes.filter(box => box.checked).map(box => box.value);
  }

  private _update(): void {
    const chosen = this._chosen().length;
    this._as.disabled = chosen !== 1;
    this._exact.disabled = chosen < this._boxes.length;
  }

  private readonly _boxes: HTMLInputElement[] = [];
  private readonly _as = document.createElement('input');
  private readonly _exact = document.createElement('input');
}

function element(tag: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function labelled(field: HTMLInputElement, text: string, after = true): HTMLLabelElement {
  const label = document.createElement('label');
  label.append(...(after ? [field, ` ${text}`] : [text, field]));
  return label;
}
