import { Notification } from '@jupyterlab/apputils';

import type { Actions } from './actions';
import type { KernelLink } from './link';
import type { BackupModel } from './model';
import type { StateEvent } from './protocol';
import { left } from './text';
import type { Words } from './translation';

/** Offer what an earlier session has left, whenever a kernel is met that has no frames yet. */
export function offerRecovery(model: BackupModel, actions: Actions, { trans }: Words): void {
  const offer = (link: KernelLink, event: StateEvent): void => {
    const { frames, recoverable, session } = event.status;
    const [newest] = recoverable;
    if (newest === undefined || Object.keys(frames).length > 0) {
      return;
    }
    const message =
      recoverable.length === 1
        ? left(newest, Date.now(), trans)
        : trans._n(
            '%1 earlier session may be the one that this notebook goes on from',
            '%1 earlier sessions may be the one that this notebook goes on from',
            recoverable.length
          );
    const notice = Notification.info(message, {
      autoClose: false,
      actions: [
        {
          label: recoverable.length === 1 ? trans.__('Bring back') : trans.__('Choose…'),
          displayType: 'accent',
          callback: () => void actions.recoverFor(link)
        },
        { label: trans.__('Not now'), callback: () => undefined }
      ]
    });
    const follow = (): void => {
      const status = link.state?.status;
      if (status?.session !== session || status.recoverable.length === 0) {
        Notification.dismiss(notice);
        link.changed.disconnect(follow);
      }
    };
    link.changed.connect(follow);
  };
  model.sessionStarted.connect((_, event) => {
    if (model.link !== null) {
      offer(model.link, event);
    }
  });
}
