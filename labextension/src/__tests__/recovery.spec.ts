import { Dialog, InputDialog, Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { Actions } from '../actions';
import { Links } from '../link';
import { BackupModel } from '../model';
import type { Backup, Status } from '../protocol';
import { offerRecovery } from '../recovery';
import { words as wordsOf } from '../translation';
import type { Views } from '../widgets/views';
import { backup, FakeKernel, settled, state } from './fakes';

const words = wordsOf(nullTranslator);
const LEFT = backup({ id: 'autosave_1', kind: 'autosave', notebook: '/home/ada/a.ipynb' });

/** A kernel that was met by a model which offers what it says can be brought back. */
async function met(recoverable: Backup[], some: Partial<Status> = {}): Promise<FakeKernel> {
  const kernel = new FakeKernel();
  kernel.load(() => state({ frames: {}, undo: null, recoverable, ...some }));
  const model = new BackupModel(new Links());
  offerRecovery(model, new Actions(model, {} as Views, words), words);
  model.setSource({ kernel: kernel.asKernel, title: 'a.ipynb' });
  await settled();
  return kernel;
}

function offers(): Notification.INotification[] {
  return Notification.manager.notifications.filter(({ type }) => type === 'info');
}

async function press(label: string): Promise<void> {
  const action = offers()[0]?.options.actions?.find(found => found.label === label);
  action?.callback(new MouseEvent('click'));
  await settled();
}

/** What was asked of the kernel. */
function asked(kernel: FakeKernel): unknown[] {
  return kernel.requests.flatMap(({ opened }) =>
    opened?.['method'] === 'recover' ? [opened['params']] : []
  );
}

afterEach(() => {
  Notification.dismiss();
  vi.restoreAllMocks();
});

describe('what an earlier session has left', () => {
  it('is offered, and brought back when it is wanted', async () => {
    const kernel = await met([LEFT]);
    expect(offers()).toHaveLength(1);
    expect(offers()[0]?.message).toContain('a.ipynb left df (5000 × 3)');
    await press('Bring back');
    expect(asked(kernel)).toEqual([{ id: 'autosave_1' }]);
  });

  it('stays where it is otherwise', async () => {
    const kernel = await met([LEFT]);
    await press('Not now');
    expect(asked(kernel)).toEqual([]);
  });

  it('is a question where more than one session is meant', async () => {
    const kernel = await met([LEFT, backup({ id: 'autosave_2' })]);
    const getItem = vi.spyOn(InputDialog, 'getItem');
    getItem.mockImplementation(({ items }) =>
      Promise.resolve({ button: Dialog.okButton(), value: items[1] ?? null, isChecked: null })
    );
    await press('Choose…');
    expect(asked(kernel)).toEqual([{ id: 'autosave_2' }]);
    getItem.mockResolvedValue({ button: Dialog.cancelButton(), value: null, isChecked: null });
    await press('Choose…');
    expect(asked(kernel)).toHaveLength(1);
  });

  it('is not offered where there is none, or where there are frames already', async () => {
    await met([]);
    await met([LEFT], { frames: { df: [1, 1] } });
    expect(offers()).toEqual([]);
  });

  it('is offered no longer when it was brought back otherwise', async () => {
    const kernel = await met([LEFT]);
    kernel.anchors[0]?.push(state({ recoverable: [] }));
    expect(offers()).toEqual([]);
  });
});
