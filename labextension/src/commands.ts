import { Notification } from '@jupyterlab/apputils';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { runBackup } from './kernel';
import { CommandIDs } from './tokens';

/** Add our commands; they act on the current notebook's kernel. */
export function addCommands(
  commands: CommandRegistry,
  notebooks: INotebookTracker,
  trans: TranslationBundle
): void {
  const kernel = (): Kernel.IKernelConnection | null =>
    notebooks.currentWidget?.sessionContext.session?.kernel ?? null;

  const add = (id: string, line: string, label: string, pending: string, failed: string): void => {
    commands.addCommand(id, {
      label,
      isEnabled: () => kernel() !== null,
      execute: async () => {
        const current = kernel();
        if (current === null) {
          return;
        }
        const answer = runBackup(current, line);
        // Without autoClose, JupyterLab files a notification away unseen.
        Notification.promise<string>(answer, {
          pending: { message: pending, options: { autoClose: false } },
          success: { message: text => (text as string) || label, options: { autoClose: 8000 } },
          error: {
            message: reason =>
              `${failed} ${(reason as Error).message || trans.__('The kernel gave no reason.')}`,
            options: { autoClose: false }
          }
        });
        // The notification tells; nobody else handles this promise.
        await answer.catch(() => undefined);
      }
    });
  };

  add(
    CommandIDs.quickBackup,
    'quick',
    trans.__('Quick backup'),
    trans.__('Backing up…'),
    trans.__('Nothing was backed up.')
  );
  add(
    CommandIDs.undo,
    'undo',
    trans.__('Undo'),
    trans.__('Bringing frames back…'),
    trans.__('Nothing was undone.')
  );
}
