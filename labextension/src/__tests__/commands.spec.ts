import type { INotebookTracker } from '@jupyterlab/notebook';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { addCommands } from '../commands';
import { CommandIDs } from '../tokens';

interface INotice {
  success: { message: (text: string) => string };
  error: { message: (reason: unknown) => string };
}

const promise = vi.hoisted(() => vi.fn());
vi.mock('@jupyterlab/apputils', () => ({ Notification: { promise } }));

/** What the notification says in the end. */
async function said(): Promise<string> {
  const [answer, notice] = promise.mock.lastCall as [Promise<string>, INotice];
  return answer.then(notice.success.message, notice.error.message);
}

function setUp(answer: object | null): CommandRegistry {
  const kernel = answer && {
    requestExecute: () => ({
      done: Promise.resolve({ content: { status: 'ok', user_expressions: { answer } } })
    })
  };
  const notebooks = { currentWidget: { sessionContext: { session: { kernel } } } };
  const commands = new CommandRegistry();
  addCommands(commands, notebooks as unknown as INotebookTracker, nullTranslator.load(''));
  return commands;
}

describe('commands', () => {
  beforeEach(() => promise.mockReset());

  it('are disabled without a kernel, and then do nothing', async () => {
    const commands = setUp(null);
    expect(commands.isEnabled(CommandIDs.quickBackup)).toBe(false);
    await commands.execute(CommandIDs.quickBackup);
    expect(promise).not.toHaveBeenCalled();
  });

  it('say what the kernel answered', async () => {
    const commands = setUp({ status: 'ok', data: { 'text/plain': 'Backed up 2 frames.' } });
    expect(commands.isEnabled(CommandIDs.undo)).toBe(true);
    await commands.execute(CommandIDs.quickBackup);
    expect(await said()).toBe('Backed up 2 frames.');
  });

  it('say why it failed', async () => {
    const commands = setUp({ status: 'error', ename: 'E', evalue: 'No cell changed a frame.' });
    await commands.execute(CommandIDs.undo);
    expect(await said()).toBe('Nothing was undone. No cell changed a frame.');
  });

  it('say so when there is no reason', async () => {
    const commands = setUp({ status: 'error', ename: 'E', evalue: '' });
    await commands.execute(CommandIDs.undo);
    expect(await said()).toBe('Nothing was undone. The kernel gave no reason.');
  });
});
