import type { Cell, CodeCell } from '@jupyterlab/cells';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { INotebookModel, NotebookPanel } from '@jupyterlab/notebook';
import type { CommandRegistry } from '@lumino/commands';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import { Menu } from '@lumino/widgets';

import { backupIcon } from './icons';
import type { KernelLink, Links } from './link';
import type { Backup } from './protocol';
import { operations } from './timeline';
import { CommandIDs } from './tokens';
import type { Words } from './translation';

const BADGE = 'dfb-Badge';

/** Return the newest of a session's backups that a cell, as it stands, was the reason of. */
export function backupOf(
  backups: readonly Backup[],
  source: string,
  executionCount: number | null
): Backup | undefined {
  if (executionCount === null) {
    return undefined;
  }
  return backups.find(
    ({ kind, provenance }) =>
      kind === 'auto' &&
      provenance.execution_count === executionCount &&
      provenance.cell?.trim() === source.trim()
  );
}

/** Shows on each cell of a notebook which backup was made before it. */
export class NotebookBadges implements IDisposable {
  constructor(panel: NotebookPanel, links: Links, commands: CommandRegistry, words: Words) {
    this._panel = panel;
    this._links = links;
    this._commands = commands;
    this._words = words;
    panel.sessionContext.kernelChanged.connect(this._follow, this);
    panel.content.modelContentChanged.connect(this._later, this);
    panel.content.activeCellChanged.connect(this._later, this);
    panel.disposed.connect(this.dispose, this);
    this._follow();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    cancelAnimationFrame(this._frame);
    Signal.clearData(this);
    this._panel.node.querySelectorAll(`.${BADGE}`).forEach(badge => badge.remove());
  }

  private _follow(): void {
    this._link?.changed.disconnect(this._later, this);
    const kernel = this._panel.sessionContext.session?.kernel;
    this._link = kernel ? this._links.of(kernel) : null;
    this._link?.changed.connect(this._later, this);
    this._later();
  }

  /** Typing and running come in bursts; once per frame is enough. */
  private _later(): void {
    cancelAnimationFrame(this._frame);
    this._frame = requestAnimationFrame(() => this._draw());
  }

  private _draw(): void {
    const backups = this._link?.state?.backups ?? [];
    for (const cell of this._panel.content.widgets) {
      if (cell.model.type === 'code') {
        const { executionCount } = (cell as CodeCell).model;
        const source = cell.model.sharedModel.getSource();
        this._put(cell, backupOf(backups, source, executionCount));
      }
    }
  }

  private _put(cell: Cell, backup: Backup | undefined): void {
    const old = cell.node.querySelector<HTMLElement>(`:scope > .${BADGE}`);
    if (old?.dataset['backup'] === backup?.id) {
      return;
    }
    old?.remove();
    const input = cell.node.querySelector(':scope > .jp-Cell-inputWrapper');
    if (backup !== undefined && input !== null) {
      input.after(this._badge(backup));
    }
  }

  private _badge(backup: Backup): HTMLElement {
    const { trans } = this._words;
    const found = operations(backup).join(', ');
    const frames = backup.frames.map(frame => frame.name).join(', ');
    const badge = document.createElement('button');
    badge.type = 'button';
    badge.className = BADGE;
    badge.dataset['backup'] = backup.id;
    badge.setAttribute('aria-haspopup', 'menu');
    badge.title = trans.__('%1. Restore or compare', frames);
    const text = document.createElement('span');
    text.textContent = found
      ? trans.__('backed up before: %1', found)
      : trans.__('backed up before this cell');
    badge.append(backupIcon.element({ tag: 'span', width: '14px' }), text);
    badge.addEventListener('click', event => {
      event.stopPropagation();
      this._open(backup, badge.getBoundingClientRect());
    });
    return badge;
  }

  private _open(backup: Backup, at: DOMRect): void {
    // The commands act on the notebook that is current.
    this._panel.activate();
    const menu = new Menu({ commands: this._commands });
    const args = { id: backup.id };
    for (const command of [
      CommandIDs.restore,
      CommandIDs.compare,
      CommandIDs.look,
      CommandIDs.pin
    ]) {
      menu.addItem({ command, args });
    }
    menu.aboutToClose.connect(() => requestAnimationFrame(() => menu.dispose()));
    menu.open(at.left, at.bottom);
  }

  private readonly _panel: NotebookPanel;
  private readonly _links: Links;
  private readonly _commands: CommandRegistry;
  private readonly _words: Words;
  private _link: KernelLink | null = null;
  private _frame = 0;
  private _isDisposed = false;
}

/** Adds badges to every notebook, while they are wanted. */
export class Badges implements DocumentRegistry.IWidgetExtension<NotebookPanel, INotebookModel> {
  constructor(links: Links, commands: CommandRegistry, words: Words) {
    this._links = links;
    this._commands = commands;
    this._words = words;
  }

  createNew(panel: NotebookPanel): IDisposable {
    this._panels.add(panel);
    this._show(panel);
    return new DisposableDelegate(() => {
      this._panels.delete(panel);
      this._badges.get(panel)?.dispose();
      this._badges.delete(panel);
    });
  }

  get enabled(): boolean {
    return this._enabled;
  }

  set enabled(enabled: boolean) {
    this._enabled = enabled;
    for (const panel of this._panels) {
      this._badges.get(panel)?.dispose();
      this._badges.delete(panel);
      this._show(panel);
    }
  }

  private _show(panel: NotebookPanel): void {
    if (this._enabled) {
      const badges = new NotebookBadges(panel, this._links, this._commands, this._words);
      this._badges.set(panel, badges);
    }
  }

  private readonly _links: Links;
  private readonly _commands: CommandRegistry;
  private readonly _words: Words;
  private readonly _panels = new Set<NotebookPanel>();
  private readonly _badges = new Map<NotebookPanel, NotebookBadges>();
  private _enabled = true;
}
