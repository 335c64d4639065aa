import type { Kernel } from '@jupyterlab/services';
import { describe, expect, it, vi } from 'vitest';

import { runBackup } from '../kernel';

type Connection = Pick<Kernel.IKernelConnection, 'requestExecute'>;

function kernelReplying(
  content: object
): Connection & { requestExecute: ReturnType<typeof vi.fn> } {
  const requestExecute = vi.fn(() => ({ done: Promise.resolve({ content }) }));
  return { requestExecute } as never;
}

describe('runBackup', () => {
  it('gives the text of what the magic returned', async () => {
    const kernel = kernelReplying({
      status: 'ok',
      user_expressions: { answer: { status: 'ok', data: { 'text/plain': 'quick_2024' } } }
    });
    await expect(runBackup(kernel, 'quick')).resolves.toBe('quick_2024');
  });

  it('sends no cell', async () => {
    const kernel = kernelReplying({
      status: 'ok',
      user_expressions: { answer: { status: 'ok', data: {} } }
    });
    await expect(runBackup(kernel, 'create "x"')).resolves.toBe('');
    expect(kernel.requestExecute).toHaveBeenCalledWith(
      expect.objectContaining({
        code: '',
        silent: true,
        user_expressions: {
          answer: 'get_ipython().run_line_magic("backup", "create \\"x\\"")'
        }
      })
    );
  });

  it('fails with the sentence of the magic', async () => {
    const kernel = kernelReplying({
      status: 'ok',
      user_expressions: {
        answer: { status: 'error', ename: 'NothingToDo', evalue: 'There is nothing to undo.' }
      }
    });
    await expect(runBackup(kernel, 'undo')).rejects.toThrow('There is nothing to undo.');
  });

  it.each([
    [{ status: 'error', ename: 'E', evalue: 'no kernel' }, 'no kernel'],
    [{ status: 'abort' }, ''],
    [{ status: 'ok', user_expressions: {} }, '']
  ])('fails when the request failed: %j', async (content, reason) => {
    await expect(runBackup(kernelReplying(content), 'undo')).rejects.toThrow(new Error(reason));
  });
});
