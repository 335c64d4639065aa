import type { Kernel } from '@jupyterlab/services';

type UserExpression =
  | { status: 'ok'; data: { 'text/plain'?: string } }
  | { status: 'error'; ename: string; evalue: string };

/**
 * Run a `%backup` magic in a kernel.
 *
 * It is sent as a user expression of a silent request: so it is no cell, for the notebook's count,
 * for its history, and for what *Undo* takes back.
 *
 * @param kernel - The kernel of the notebook.
 * @param line - What follows `%backup`.
 * @returns The plain text of what the magic returned.
 * @throws Error - With the magic's own sentence when it failed.
 */
export async function runBackup(
  kernel: Pick<Kernel.IKernelConnection, 'requestExecute'>,
  line: string
): Promise<string> {
  const { content } = await kernel.requestExecute({
    code: '',
    silent: true,
    store_history: false,
    allow_stdin: false,
    user_expressions: {
      answer: `get_ipython().run_line_magic("backup", ${JSON.stringify(line)})`
    }
  }).done;
  if (content.status !== 'ok') {
    throw new Error(content.status === 'error' ? content.evalue : '');
  }
  const answer = content.user_expressions?.['answer'] as UserExpression | undefined;
  if (answer?.status !== 'ok') {
    throw new Error(answer?.evalue);
  }
  return answer.data['text/plain'] ?? '';
}
