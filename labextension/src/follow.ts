import type { ISessionContext } from '@jupyterlab/apputils';
import type { IConsoleTracker } from '@jupyterlab/console';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Signal, type ISignal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';

import type { BackupModel } from './model';

/** The notebook or console that is looked at. */
export type Followed = {
  widget: Widget;
  session: ISessionContext;
  rendermime: IRenderMimeRegistry;
};

/** Follows the notebook or console that was used last, and tells the model its kernel. */
export class Follower {
  constructor(
    model: BackupModel,
    notebooks: INotebookTracker,
    consoles: IConsoleTracker | null,
    focused: ISignal<unknown, { newValue: Widget | null }> | null
  ) {
    this._model = model;
    this._notebooks = notebooks;
    this._consoles = consoles;
    notebooks.currentChanged.connect(() => this._follow(this._notebook()));
    consoles?.currentChanged.connect(() => this._follow(this._console()));
    // Going back to the notebook that was the newest changes no tracker's current one.
    focused?.connect((_, { newValue }) => {
      if (newValue !== null && newValue === notebooks.currentWidget) {
        this._follow(this._notebook());
      } else if (newValue !== null && newValue === consoles?.currentWidget) {
        this._follow(this._console());
      }
    });
    this._follow(this._notebook() ?? this._console());
  }

  get current(): Followed | null {
    return this._current;
  }

  private _notebook(): Followed | null {
    const widget = this._notebooks.currentWidget;
    return (
      widget && {
        widget,
        session: widget.sessionContext,
        rendermime: widget.content.rendermime
      }
    );
  }

  private _console(): Followed | null {
    const widget = this._consoles?.currentWidget ?? null;
    return (
      widget && {
        widget,
        session: widget.sessionContext,
        rendermime: widget.console.rendermime
      }
    );
  }

  private _follow(found: Followed | null): void {
    const next = found ?? this._notebook() ?? this._console();
    if (this._current?.session !== next?.session) {
      Signal.disconnectReceiver(this);
      next?.session.kernelChanged.connect(this._update, this);
      next?.session.propertyChanged.connect(this._update, this);
    }
    this._current = next;
    this._update();
  }

  private _update(): void {
    const session = this._current?.session;
    this._model.setSource(
      session ? { kernel: session.session?.kernel ?? null, title: session.name } : null
    );
  }

  private readonly _model: BackupModel;
  private readonly _notebooks: INotebookTracker;
  private readonly _consoles: IConsoleTracker | null;
  private _current: Followed | null = null;
}
