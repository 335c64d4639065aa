import { Dialog, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';

import type { KernelLink } from './link';
import type { BackupModel } from './model';
import type { Backup, Method, Params, Restored, Result } from './protocol';
import { tellFailure, told, type Told } from './progress';
import { ago, left, title } from './text';
import type { Words } from './translation';
import { RestoreBody } from './widgets/restore';
import type { Views } from './widgets/views';

/** What the commands do: ask the user, ask the kernel, tell the user. */
export class Actions {
  constructor(model: BackupModel, views: Views, words: Words) {
    this._model = model;
    this._views = views;
    this._words = words;
  }

  async quick(): Promise<void> {
    await this._asked(link =>
      this._told(link, 'quick', {}, this._trans.__('Backing up…'), backup => this._made(backup))
    );
  }

  async create(): Promise<void> {
    const trans = this._trans;
    const { value } = await InputDialog.getText({
      title: trans.__('New backup'),
      label: trans.__('Name'),
      placeholder: trans.__('before the merge'),
      okLabel: trans.__('Back up')
    });
    const name = value?.trim();
    if (name) {
      await this._asked(link =>
        this._told(link, 'create', { name }, trans.__('Backing up…'), backup => this._made(backup))
      );
    }
  }

  async undo(): Promise<void> {
    await this._asked(link => this._undo(link));
  }

  async redo(): Promise<void> {
    await this._asked(link => this._redo(link));
  }

  /** Bring back what the previous session left; where there is a choice, ask. */
  async recover(): Promise<void> {
    await this._asked(link => this.recoverFor(link));
  }

  async recoverFor(link: KernelLink): Promise<void> {
    const trans = this._trans;
    const found = link.state?.status.recoverable ?? [];
    let id = found[0]?.id;
    if (found.length > 1) {
      const items = found.map(backup => left(backup, Date.now(), trans));
      const { button, value } = await InputDialog.getItem({
        title: trans.__('Which session is to come back?'),
        items: items.map((item, place) => `${place + 1}. ${item}`),
        okLabel: trans.__('Bring back')
      });
      if (!button.accept || value === null) {
        return;
      }
      id = found[parseInt(value) - 1]?.id;
    }
    const pending = trans.__('Bringing frames back…');
    await this._told(link, 'recover', id ? { id } : {}, pending, restored => ({
      message: sentence(restored),
      actions: [this._action(trans.__('Undo'), () => this._undo(link))]
    }));
  }

  async turnOn(): Promise<void> {
    await this._asked(async link => {
      try {
        await link.turnOn();
      } catch (reason) {
        tellFailure(reason, this._trans);
      }
    });
  }

  async auto(): Promise<void> {
    const on = !(this._model.status?.auto ?? false);
    await this._asked(link =>
      this._told(link, 'auto', { on }, this._trans.__('Asking the kernel…'), status => ({
        message: status.auto
          ? this._trans.__('Cells that put frames at risk are backed up again.')
          : this._trans.__('Automatic backups are off for this session.')
      }))
    );
  }

  async verify(): Promise<void> {
    const trans = this._trans;
    await this._asked(async link => {
      const found = await this._told(
        link,
        'verify',
        {},
        trans.__('Verifying…'),
        ({ ok, checked }) =>
          ok
            ? { message: trans._n('%1 backup is intact.', 'All %1 backups are intact.', checked) }
            : null
      );
      if (found !== null && !found.ok) {
        const lines = found.damage.map(({ backup, frames, columns, what }) =>
          [backup, frames.join(', '), columns.join(', '), what].filter(Boolean).join(': ')
        );
        await showDialog({
          title: trans.__('Some backups are damaged'),
          body: lines.join('\n'),
          buttons: [Dialog.okButton({ label: trans.__('Close') })]
        });
      }
    });
  }

  /** Show what a restore would do, and do it when it is wanted. */
  async restore(id: string): Promise<void> {
    const trans = this._trans;
    await this._asked(async link => {
      const pending = trans.__('Looking at what would change…');
      const preview = await this._told(link, 'preview', { id }, pending, () => null);
      const backup = preview?.restored.backup ?? this._model.backup(id);
      if (!preview || !backup) {
        return;
      }
      const { button, value } = await showDialog({
        title: trans.__(
          'Restore “%1”, from %2?',
          title(backup, trans),
          ago(backup.created, Date.now(), trans)
        ),
        body: new RestoreBody(backup, preview.restored, preview.html, trans),
        buttons: [
          Dialog.cancelButton({ label: trans.__('Cancel') }),
          Dialog.warnButton({ label: trans.__('Restore') })
        ]
      });
      if (!button.accept || value === null || value.only?.length === 0) {
        return;
      }
      await this._told(link, 'restore', { id, ...value }, trans.__('Restoring…'), restored => ({
        message: sentence(restored),
        actions: [this._action(trans.__('Undo'), () => this._undo(link))]
      }));
    });
  }

  async look(id: string): Promise<void> {
    await this._asked(async link => {
      const pending = this._trans.__('Reading…');
      const found = await this._told(link, 'show', { id }, pending, () => null);
      if (found) {
        await this._views.result(id, title(found.backup, this._trans), found.html);
      }
    });
  }

  /** Compare a backup with the live frames, or with another one. */
  async compare(id: string, other?: string): Promise<void> {
    const trans = this._trans;
    await this._asked(async link => {
      const params = other === undefined ? { id } : { id, other };
      const found = await this._told(link, 'diff', params, trans.__('Comparing…'), () => null);
      if (!found) {
        return;
      }
      const name = (of: string): string => {
        const backup = this._model.backup(of);
        return backup ? title(backup, trans) : of;
      };
      const after = other === undefined ? trans.__('now') : name(other);
      await this._views.result(`${id}-${other ?? 'now'}`, `${name(id)} → ${after}`, found.html);
    });
  }

  /** Compare two backups, the older one first. */
  async compareMarked(id: string): Promise<void> {
    const marked = this._model.marked;
    if (marked === null || marked === id) {
      return;
    }
    const when = (of: string): string => this._model.backup(of)?.created ?? '';
    const inOrder = Date.parse(when(marked)) <= Date.parse(when(id));
    await (inOrder ? this.compare(marked, id) : this.compare(id, marked));
  }

  async rename(id: string): Promise<void> {
    const trans = this._trans;
    const { value } = await InputDialog.getText({
      title: trans.__('Rename the backup'),
      label: trans.__('Name'),
      text: this._model.backup(id)?.name ?? '',
      okLabel: trans.__('Rename')
    });
    const name = value?.trim();
    if (name) {
      await this._changed(link =>
        this._told(link, 'rename', { id, name }, trans.__('Renaming…'), () => null)
      );
    }
  }

  async pin(id: string): Promise<void> {
    const pinned = !(this._model.backup(id)?.pinned ?? false);
    await this._changed(link =>
      this._told(link, 'pin', { id, pinned }, this._trans.__('Pinning…'), () => null)
    );
  }

  async export(id: string): Promise<void> {
    const trans = this._trans;
    const { value } = await InputDialog.getText({
      title: trans.__('Export the backup'),
      label: trans.__('File, from the folder of the notebook'),
      text: `${id}.zip`,
      okLabel: trans.__('Export')
    });
    const file = value?.trim();
    if (file) {
      await this._asked(link =>
        this._told(link, 'export', { id, file }, trans.__('Exporting…'), result => ({
          message: trans.__('Exported to %1', result.file),
          actions: [
            this._action(trans.__('Copy path'), () => navigator.clipboard.writeText(result.file))
          ]
        }))
      );
    }
  }

  async delete(id: string): Promise<void> {
    const trans = this._trans;
    const backup = this._model.backup(id);
    const { button } = await showDialog({
      title: trans.__('Delete this backup?'),
      body: backup
        ? trans.__(
            '“%1”, from %2, with %3. What it holds cannot be restored afterwards.',
            title(backup, trans),
            ago(backup.created, Date.now(), trans),
            backup.frames.map(frame => frame.name).join(', ') || trans.__('no frames')
          )
        : id,
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.warnButton({ label: trans.__('Delete') })
      ],
      defaultButton: 0
    });
    if (button.accept) {
      await this._changed(link =>
        this._told(link, 'delete', { ids: [id] }, trans.__('Deleting…'), deleted => ({
          message: trans._n('%1 backup deleted.', '%1 backups deleted.', deleted.length)
        }))
      );
    }
  }

  private async _undo(link: KernelLink): Promise<void> {
    const trans = this._trans;
    await this._told(link, 'undo', {}, trans.__('Bringing frames back…'), restored => ({
      message: sentence(restored),
      actions: [this._action(trans.__('Redo'), () => this._redo(link))]
    }));
  }

  private async _redo(link: KernelLink): Promise<void> {
    const trans = this._trans;
    await this._told(link, 'redo', {}, trans.__('Bringing frames forward…'), restored => ({
      message: sentence(restored),
      actions: [this._action(trans.__('Undo'), () => this._undo(link))]
    }));
  }

  private _made(backup: Backup): Told {
    const trans = this._trans;
    const frames = backup.frames.map(frame => frame.name).join(', ') || trans.__('no frames');
    return {
      message: backup.name
        ? trans.__('Backed up “%1”: %2', backup.name, frames)
        : trans.__('Backed up %1', frames)
    };
  }

  private _action(label: string, act: () => Promise<unknown>): Notification.IAction {
    return { label, displayType: 'accent', callback: () => void act() };
  }

  /** Do something with the kernel that is looked at, if any. */
  private async _asked(act: (link: KernelLink) => Promise<unknown>): Promise<void> {
    if (this._model.link !== null) {
      await act(this._model.link);
    }
  }

  /** Do something that also changes backups of other sessions, which the kernel does not push. */
  private async _changed(act: (link: KernelLink) => Promise<unknown>): Promise<void> {
    await this._asked(act);
    await this._model.refresh();
  }

  private _told<M extends Method>(
    link: KernelLink,
    method: M,
    params: Params<M>,
    pending: string,
    done: (result: Result<M>) => Told | null
  ): Promise<Result<M> | null> {
    return told(this._model, link, this._trans, method, params, pending, done);
  }

  private get _trans(): Words['trans'] {
    return this._words.trans;
  }

  private readonly _model: BackupModel;
  private readonly _views: Views;
  private readonly _words: Words;
}

function sentence({ action, warnings }: Restored): string {
  const said = action.charAt(0).toUpperCase() + action.slice(1);
  return [warnings.length > 0 ? `${said}.` : said, ...warnings].join(' ');
}
