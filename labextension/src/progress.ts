import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { KernelLink } from './link';
import type { BackupModel } from './model';
import type { Method, Params, ProgressEvent, Result } from './protocol';
import { failure } from './text';

/** Quick answers need no notice that they are awaited. */
const PATIENCE = 500;

/** How long a success is shown. */
const SHOWN = 8000;

/** The toast shows no more. */
const LENGTH = 140;

export type Told = { message: string; actions?: Notification.IAction[] };

/**
 * Ask the kernel, and tell the user how it goes and ended.
 *
 * @param pending - What is being done, as "Backing up…".
 * @param done - What to tell of the result; null tells nothing.
 * @returns The result, or null when it did not work; then the user has been told why.
 */
export async function told<M extends Method>(
  model: BackupModel,
  link: KernelLink,
  trans: TranslationBundle,
  method: M,
  params: Params<M>,
  pending: string,
  done: (result: Result<M>) => Told | null
): Promise<Result<M> | null> {
  let notice = '';
  let request = '';
  const wait = setTimeout(() => {
    const message = link.isBusy
      ? trans.__('%1 The kernel is busy, this comes after the running cell.', pending)
      : pending;
    notice = Notification.emit(message, 'in-progress', { autoClose: false });
  }, PATIENCE);
  const onProgress = (_: KernelLink, event: ProgressEvent): void => {
    if (event.request === request && notice && event.total > 0) {
      Notification.update({
        id: notice,
        message: pending,
        progress: Math.min(1, event.done / event.total)
      });
    }
  };
  link.progressed.connect(onProgress);
  try {
    const result = await model.request(link, method, params, id => {
      request = id;
    });
    const tell = done(result);
    if (tell !== null) {
      const { message, actions } = tell;
      Notification.success(short(message), { autoClose: SHOWN, actions });
    }
    return result;
  } catch (reason) {
    tellFailure(reason, trans);
    return null;
  } finally {
    clearTimeout(wait);
    link.progressed.disconnect(onProgress);
    if (notice) {
      Notification.dismiss(notice);
    }
  }
}

/** Tell what did not work, and the next step. */
export function tellFailure(reason: unknown, trans: TranslationBundle): void {
  const text = failure(reason, trans);
  Notification.error(short(text), {
    autoClose: false,
    actions:
      text.length > LENGTH
        ? [
            {
              label: trans.__('Copy'),
              caption: trans.__('Copy the whole message'),
              callback: () => void navigator.clipboard.writeText(text)
            }
          ]
        : []
  });
}

function short(text: string): string {
  return text.length > LENGTH ? `${text.slice(0, LENGTH - 1)}…` : text;
}
