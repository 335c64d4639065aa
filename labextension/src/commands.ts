import {
  deleteIcon,
  downloadIcon,
  editIcon,
  redoIcon,
  refreshIcon,
  undoIcon,
  type LabIcon
} from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';

import type { Actions } from './actions';
import { backupIcon, compareIcon, lookIcon, pinIcon } from './icons';
import type { BackupModel } from './model';
import { CommandIDs } from './tokens';
import type { Words } from './translation';

/** What opens the displays. */
export type Opening = { show: () => void; manage: () => void };

/**
 * Add our commands; they act on the kernel that the model looks at.
 *
 * @param hit - The backup whose entry the context menu was opened on.
 */
export function addCommands(
  commands: CommandRegistry,
  model: BackupModel,
  actions: Actions,
  opening: Opening,
  { trans }: Words,
  hit: () => string | undefined
): void {
  const ready = (): boolean => model.isReady;

  const add = (
    id: string,
    label: string | (() => string),
    icon: LabIcon | undefined,
    execute: () => unknown,
    isEnabled: () => boolean = ready,
    more: Partial<CommandRegistry.ICommandOptions> = {}
  ): void => {
    commands.addCommand(id, { label, icon, isEnabled, execute, ...more });
  };

  add(CommandIDs.quickBackup, trans.__('Quick backup'), backupIcon, () => actions.quick(), ready, {
    caption: trans.__('Back up all frames of this session now')
  });
  add(CommandIDs.create, trans.__('New backup with a name…'), undefined, () => actions.create());
  add(
    CommandIDs.undo,
    trans.__('Undo the last change of a frame'),
    undoIcon,
    () => actions.undo(),
    () => Boolean(model.status?.undo),
    { caption: () => model.status?.undo ?? '' }
  );
  add(
    CommandIDs.redo,
    trans.__('Redo the change of a frame'),
    redoIcon,
    () => actions.redo(),
    () => Boolean(model.status?.redo),
    { caption: () => model.status?.redo ?? '' }
  );
  add(
    CommandIDs.recover,
    trans.__('Bring back the last session'),
    undefined,
    () => actions.recover(),
    () => Boolean(model.status?.recoverable.length)
  );
  add(
    CommandIDs.show,
    trans.__('Show DataFrame backups'),
    backupIcon,
    () => opening.show(),
    () => true
  );
  add(CommandIDs.manage, trans.__('Backup management'), backupIcon, () => opening.manage());
  add(
    CommandIDs.turnOn,
    trans.__('Turn DataFrame backups on in this kernel'),
    undefined,
    () => actions.turnOn(),
    () => model.protection === 'not-loaded'
  );
  add(
    CommandIDs.auto,
    trans.__('Back up before risky cells'),
    undefined,
    () => actions.auto(),
    ready,
    { isToggleable: true, isToggled: () => model.status?.auto ?? false }
  );
  add(CommandIDs.verify, trans.__('Verify all backups'), undefined, () => actions.verify());
  add(CommandIDs.refresh, trans.__('Refresh'), refreshIcon, () => model.refresh());

  const of = (args: { id?: unknown }): string | undefined =>
    typeof args.id === 'string' ? args.id : hit();
  const isPinned = (id: string | undefined): boolean =>
    id !== undefined && (model.backup(id)?.pinned ?? false);

  const addForBackup = (
    id: string,
    label: string,
    icon: LabIcon | undefined,
    act: (backup: string) => unknown,
    isEnabled: (backup: string) => boolean = () => true,
    more: Partial<CommandRegistry.ICommandOptions> = {}
  ): void => {
    commands.addCommand(id, {
      label,
      icon,
      isEnabled: args => {
        const backup = of(args);
        return backup !== undefined && ready() && isEnabled(backup);
      },
      execute: args => {
        const backup = of(args);
        return backup === undefined ? undefined : act(backup);
      },
      ...more
    });
  };

  addForBackup(CommandIDs.restore, trans.__('Restore…'), undoIcon, id => actions.restore(id));
  addForBackup(CommandIDs.look, trans.__('Look into it'), lookIcon, id => actions.look(id));
  addForBackup(CommandIDs.compare, trans.__('Compare with now'), compareIcon, id =>
    actions.compare(id)
  );
  addForBackup(CommandIDs.mark, trans.__('Select for comparing'), undefined, id => {
    model.marked = id;
  });
  addForBackup(
    CommandIDs.compareMarked,
    trans.__('Compare with the selected one'),
    compareIcon,
    id => actions.compareMarked(id),
    id => model.marked !== null && model.marked !== id
  );
  addForBackup(CommandIDs.rename, trans.__('Rename…'), editIcon, id => actions.rename(id));
  addForBackup(CommandIDs.pin, trans.__('Pin'), pinIcon, id => actions.pin(id), undefined, {
    label: args => (isPinned(of(args)) ? trans.__('Unpin') : trans.__('Pin'))
  });
  addForBackup(CommandIDs.export, trans.__('Export…'), downloadIcon, id => actions.export(id));
  addForBackup(CommandIDs.delete, trans.__('Delete…'), deleteIcon, id => actions.delete(id));

  model.changed.connect(() => commands.notifyCommandChanged());
}
