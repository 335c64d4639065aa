import { describe, expect, it } from 'vitest';

import { Links } from '../link';
import { BackupModel } from '../model';
import type { Backup, StateEvent } from '../protocol';
import { backup, FakeKernel, settled, state } from './fakes';

const STATS = {
  store: '/store',
  backups: { auto: 2 },
  notebooks: { 'x.ipynb': 2 },
  session_backups: 1,
  oldest: null,
  newest: null,
  bytes_raw: 100,
  bytes_on_disk: 10,
  bytes_free: 1000
};

/** A kernel that answers what the model asks by itself. */
function answering(
  pushed: () => StateEvent = state,
  all: Backup[] = []
): { kernel: FakeKernel; asked: string[] } {
  const kernel = new FakeKernel();
  const asked: string[] = [];
  kernel.onOpen = comm => {
    const method = comm.opened?.['method'];
    if (method === undefined) {
      comm.push(pushed());
      return;
    }
    asked.push(method as string);
    comm.answer({ ok: true, result: method === 'stats' ? STATS : all });
  };
  return { kernel, asked };
}

async function looking(kernel: FakeKernel): Promise<BackupModel> {
  const model = new BackupModel(new Links());
  model.setSource({ kernel: kernel.asKernel, title: 'x.ipynb' });
  await settled();
  return model;
}

describe('BackupModel', () => {
  it('says how well the frames are protected', async () => {
    const of = async (some: Parameters<typeof state>[0]): Promise<string> =>
      (await looking(answering(() => state(some)).kernel)).protection;
    expect(await of({})).toBe('protected');
    expect(await of({ writing: 5 })).toBe('writing');
    expect(await of({ problem: 'The disk is full.' })).toBe('unprotected');
    expect(await of({ auto: false })).toBe('unprotected');
  });

  it('knows that there is no kernel, that it is busy, or that nobody is there', async () => {
    const model = new BackupModel(new Links());
    expect(model.protection).toBe('no-kernel');
    model.setSource({ kernel: null, title: 'x.ipynb' });
    expect(model.protection).toBe('no-kernel');

    const busy = new FakeKernel();
    busy.status = 'busy';
    expect((await looking(busy)).protection).toBe('busy');

    const bare = new FakeKernel();
    bare.onOpen = comm => comm.answer({});
    expect((await looking(bare)).protection).toBe('not-loaded');
  });

  it('asks for the disk use when backups changed, and only then', async () => {
    const { kernel, asked } = answering();
    const model = await looking(kernel);
    expect(model.stats).toEqual(STATS);
    expect(asked).toEqual(['stats']);
    kernel.become('busy');
    kernel.become('idle');
    kernel.anchors[0]?.push(state({ undo: 'another' }));
    await settled();
    expect(asked).toEqual(['stats']);
    kernel.anchors[0]?.push(state({}, [backup({ id: 'auto_2' }), backup()]));
    await settled();
    expect(asked).toEqual(['stats', 'stats']);
  });

  it('shows this session, this notebook, or all', async () => {
    const all = [
      backup({ id: 'a' }),
      backup({ id: 'b', session: 'session-0' }),
      backup({ id: 'c', notebook: 'other.ipynb' }),
      backup({ id: 'd', kind: 'autosave' })
    ];
    const { kernel } = answering(() => state({}, all.slice(0, 1)), all);
    const model = await looking(kernel);
    const ids = (): string[] => model.backups.map(({ id }) => id);
    expect(ids()).toEqual(['a']);
    model.scope = 'notebook';
    await settled();
    expect(ids()).toEqual(['a', 'b']);
    model.scope = 'all';
    await settled();
    expect(ids()).toEqual(['a', 'b', 'c']);
    expect(model.backup('c')?.notebook).toBe('other.ipynb');
  });

  it('follows another kernel and forgets the first one', async () => {
    const first = answering().kernel;
    const model = await looking(first);
    const second = answering(() => state({ session: 'session-2' }, [backup({ id: 'z' })])).kernel;
    model.setSource({ kernel: second.asKernel, title: 'y.ipynb' });
    await settled();
    expect(model.backups.map(({ id }) => id)).toEqual(['z']);
    let changes = 0;
    model.changed.connect(() => (changes += 1));
    first.anchors[0]?.push(state({}, []));
    await settled();
    expect(changes).toBe(0);
  });

  it('tells when a session was met, once for each', async () => {
    const { kernel } = answering();
    const model = new BackupModel(new Links());
    const met: string[] = [];
    model.sessionStarted.connect((_, { status }) => met.push(status.session));
    model.setSource({ kernel: kernel.asKernel, title: 'x.ipynb' });
    await settled();
    kernel.anchors[0]?.push(state());
    expect(met).toEqual(['session-1']);
  });

  it('keeps why the store could not be read', async () => {
    const kernel = new FakeKernel();
    const error = { type: 'StoreError', message: 'The store cannot be read.', hint: '' };
    kernel.onOpen = comm =>
      comm.opened?.['method'] ? comm.answer({ ok: false, error }) : comm.push(state());
    const model = await looking(kernel);
    expect(String(model.failure)).toContain('The store cannot be read.');
    expect(model.protection).toBe('protected');
  });

  it('has the progress of a request until it is answered', async () => {
    const { kernel } = answering();
    const model = await looking(kernel);
    const answer = kernel.onOpen;
    kernel.onOpen = () => undefined;
    const done = model.request(model.link!, 'quick', {});
    await settled();
    const asked = kernel.requests.at(-1);
    const step = { type: 'progress', request: asked?.commId ?? '', label: 'x', done: 1, total: 2 };
    kernel.anchors[0]?.push(step);
    expect([...model.progress.values()]).toEqual([step]);
    kernel.onOpen = answer;
    asked?.answer({ ok: true, result: backup() as never });
    await done;
    expect(model.progress.size).toBe(0);
  });
});
