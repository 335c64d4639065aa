import type { JSONObject } from '@lumino/coreutils';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { KernelBusy, KernelGone, KernelLink, Links, NotLoaded } from '../link';
import { EVENTS_TARGET, PROTOCOL, REQUEST_TARGET, RequestError } from '../protocol';
import { backup, FakeKernel, settled, state } from './fakes';

async function linked(kernel = new FakeKernel()): Promise<[KernelLink, FakeKernel]> {
  if (kernel.onOpen.length === 0) {
    kernel.load();
  }
  const link = new KernelLink(kernel.asKernel);
  await settled();
  return [link, kernel];
}

afterEach(() => {
  vi.useRealTimers();
});

describe('KernelLink', () => {
  it('opens one anchor and takes the state from it', async () => {
    const [link, kernel] = await linked();
    expect(kernel.anchors.map(comm => comm.opened)).toEqual([{ protocol: PROTOCOL }]);
    expect(link.phase).toBe('ready');
    expect(link.state?.backups).toEqual([backup()]);
  });

  it('opens nothing before the subshell has started', async () => {
    const kernel = new FakeKernel();
    let start = (): void => undefined;
    kernel.subshells = new Promise(resolve => (start = resolve));
    await linked(kernel);
    expect(kernel.anchors).toEqual([]);
    start();
    await settled();
    expect(kernel.anchors).toHaveLength(1);
  });

  it('does not wait for ever for a subshell', async () => {
    vi.useFakeTimers();
    const kernel = new FakeKernel();
    kernel.load();
    kernel.subshells = new Promise(() => undefined);
    const link = new KernelLink(kernel.asKernel, { subshell: 50 });
    await vi.advanceTimersByTimeAsync(60);
    expect(link.phase).toBe('ready');
  });

  it('lets no subshell end while it connects anew', async () => {
    const [link, kernel] = await linked();
    kernel.anchors[0]?.answer({ type: 'waiting' });
    await settled();
    await link.turnOn();
    await link.turnOn();
    await settled();
    expect(link.phase).toBe('ready');
    expect(kernel.ended).toEqual([]);
    link.dispose();
    expect(kernel.ended).toEqual([REQUEST_TARGET, EVENTS_TARGET]);
  });

  it('lets a restarted kernel start subshells of its own', async () => {
    const [link, kernel] = await linked();
    kernel.become('autorestarting');
    expect(kernel.ended).toEqual([REQUEST_TARGET, EVENTS_TARGET]);
    kernel.become('idle');
    await settled();
    expect(link.phase).toBe('ready');
  });

  it('asks each question on a comm of its own', async () => {
    const [link, kernel] = await linked();
    const answer = link.request('list', { all: true });
    await settled();
    const [asked] = kernel.requests;
    expect(asked?.opened).toEqual({ protocol: 1, method: 'list', params: { all: true } });
    asked?.answer({ ok: true, result: [] });
    await expect(answer).resolves.toEqual([]);
  });

  it('gives the sentence and the next step of an error', async () => {
    const [link, kernel] = await linked();
    const answer = link.request('show', { id: 'nope' });
    await settled();
    const error = { type: 'BackupNotFound', message: 'There is none.', hint: 'Look at the list.' };
    kernel.requests[0]?.answer({ ok: false, error });
    await expect(answer).rejects.toEqual(new RequestError(error.type, error.message, error.hint));
  });

  it('says that the kernel is busy when what needs no waiting takes long', async () => {
    vi.useFakeTimers();
    const kernel = new FakeKernel();
    kernel.load();
    const link = new KernelLink(kernel.asKernel, { answer: 100 });
    await vi.advanceTimersByTimeAsync(1);
    const answer = expect(link.request('stats', {})).rejects.toBeInstanceOf(KernelBusy);
    await vi.advanceTimersByTimeAsync(150);
    await answer;
    expect(kernel.requests[0]?.isDisposed).toBe(true);
  });

  it('waits for the running cell with what touches the frames', async () => {
    vi.useFakeTimers();
    const kernel = new FakeKernel();
    kernel.load();
    const link = new KernelLink(kernel.asKernel, { answer: 100 });
    await vi.advanceTimersByTimeAsync(1);
    const answer = link.request('quick', {});
    await vi.advanceTimersByTimeAsync(60000);
    kernel.requests[0]?.answer({ ok: true, result: backup({ kind: 'quick' }) });
    expect((await answer).kind).toBe('quick');
  });

  it('knows when the package is not loaded, and turns it on', async () => {
    const kernel = new FakeKernel();
    kernel.onOpen = comm => comm.answer({});
    const [link] = await linked(kernel);
    expect(link.phase).toBe('not-loaded');
    kernel.load();
    await link.turnOn();
    await settled();
    expect(kernel.executed).toEqual(['%load_ext dfbackup_jupyter']);
    expect(link.phase).toBe('ready');
  });

  it('knows when the package will load by itself', async () => {
    const kernel = new FakeKernel();
    kernel.onOpen = comm => comm.answer({ type: 'waiting' });
    const [link] = await linked(kernel);
    expect(link.phase).toBe('waiting');
  });

  it('tells why the package could not be turned on', async () => {
    const kernel = new FakeKernel();
    kernel.onOpen = comm => comm.answer({});
    const [link] = await linked(kernel);
    kernel.reply = { status: 'error', ename: 'ModuleNotFoundError', evalue: 'No module' };
    await expect(link.turnOn()).rejects.toThrow('No module');
    expect(link.phase).toBe('not-loaded');
  });

  it('does not ask again and again when nobody is there', async () => {
    const kernel = new FakeKernel();
    kernel.onOpen = comm => comm.answer({});
    await linked(kernel);
    kernel.become('busy');
    kernel.become('idle');
    await settled();
    expect(kernel.anchors).toHaveLength(1);
  });

  it.each<JSONObject>([{}, { type: 'waiting' }])(
    'looks again after a cell that may load it',
    async said => {
      const kernel = new FakeKernel();
      kernel.onOpen = comm => comm.answer(said);
      const [link] = await linked(kernel);
      kernel.load();
      kernel.become('busy');
      const parent_header = { msg_id: 'cell' };
      kernel.iopubMessage.emit({
        header: { msg_type: 'execute_input' },
        parent_header,
        content: { code: '%load_ext dfbackup_jupyter', execution_count: 1 }
      } as never);
      kernel.iopubMessage.emit({
        header: { msg_type: 'status' },
        parent_header,
        content: { execution_state: 'idle' }
      } as never);
      kernel.become('idle');
      await settled();
      expect(link.phase).toBe('ready');
    }
  );

  it('knows that a cell runs, whatever requests do to the status', async () => {
    const [link, kernel] = await linked();
    const say = (type: string, cell: string, content: object): void =>
      kernel.iopubMessage.emit({
        header: { msg_type: type },
        parent_header: { msg_id: cell },
        content
      } as never);
    expect(link.isBusy).toBe(false);
    say('execute_input', 'cell-1', { code: 'sleep(20)', execution_count: 1 });
    say('status', 'request-1', { execution_state: 'idle' });
    expect(link.isBusy).toBe(true);
    say('status', 'cell-1', { execution_state: 'idle' });
    expect(link.isBusy).toBe(false);
  });

  it('fails requests to a kernel in which nobody answers', async () => {
    const [link, kernel] = await linked();
    const answer = link.request('quick', {});
    await settled();
    kernel.requests[0]?.answer({});
    await expect(answer).rejects.toBeInstanceOf(NotLoaded);
  });

  it('connects anew after a restart, and fails what was under way', async () => {
    const kernel = new FakeKernel();
    let session = 'session-1';
    kernel.load(() => state({ session }));
    const [link] = await linked(kernel);
    const met: string[] = [];
    link.sessionStarted.connect((_, event) => met.push(event.status.session));
    const answer = expect(link.request('quick', {})).rejects.toBeInstanceOf(KernelGone);
    await settled();
    session = 'session-2';
    kernel.become('restarting');
    await answer;
    expect(link.phase).toBe('connecting');
    kernel.become('starting');
    kernel.become('idle');
    await settled();
    expect(link.phase).toBe('ready');
    expect(kernel.anchors).toHaveLength(2);
    expect(met).toEqual(['session-2']);
  });

  it('loads the package at once where a restart has taken frames away', async () => {
    const restarted = async (frames: { [name: string]: [number, number] }): Promise<string[]> => {
      const kernel = new FakeKernel();
      kernel.load(() => state({ frames }));
      await linked(kernel);
      kernel.onOpen = comm => comm.answer({ type: 'waiting' });
      kernel.become('autorestarting');
      kernel.become('idle');
      await settled();
      kernel.become('restarting');
      kernel.become('idle');
      await settled();
      return kernel.executed;
    };
    expect(await restarted({ df: [4, 2] })).toEqual(['%load_ext dfbackup_jupyter']);
    expect(await restarted({})).toEqual([]);
  });

  it('asks for the state anew when the connection was away', async () => {
    const [link, kernel] = await linked();
    kernel.connectionStatusChanged.emit('connecting');
    kernel.connectionStatusChanged.emit('connected');
    await settled();
    expect(kernel.anchors).toHaveLength(2);
    expect(link.phase).toBe('ready');
  });

  it('knows kernels of other languages and other versions', async () => {
    const other = new FakeKernel();
    other.language = 'R';
    const [link] = await linked(other);
    expect(link.phase).toBe('unsupported');
    expect(other.comms).toEqual([]);

    const newer = new FakeKernel();
    newer.load(() => ({ ...state(), protocol: 99 }));
    expect((await linked(newer))[0].phase).toBe('incompatible');
  });

  it('passes on progress', async () => {
    const [link, kernel] = await linked();
    const seen: number[] = [];
    link.progressed.connect((_, { done }) => seen.push(done));
    const push = { type: 'progress', request: 'comm-9', label: 'Backing up', done: 5, total: 10 };
    kernel.anchors[0]?.push(push);
    expect(seen).toEqual([5]);
  });

  it('ends with its kernel', async () => {
    const [link, kernel] = await linked();
    kernel.disposed.emit();
    expect(link.isDisposed).toBe(true);
    expect(kernel.comms.find(comm => comm.targetName === EVENTS_TARGET)?.isDisposed).toBe(true);
    await expect(link.request('status', {})).rejects.toBeInstanceOf(KernelGone);
  });
});

describe('Links', () => {
  it('has one link per kernel connection', () => {
    const links = new Links();
    const kernel = new FakeKernel();
    expect(links.of(kernel.asKernel)).toBe(links.of(kernel.asKernel));
    expect(links.of(kernel.asKernel)).not.toBe(links.of(new FakeKernel().asKernel));
  });
});
