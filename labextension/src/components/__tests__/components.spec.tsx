import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import * as React from 'react';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { backup, FakeKernel, settled, state } from '../../__tests__/fakes';
import { Links } from '../../link';
import { BackupModel } from '../../model';
import { CommandIDs } from '../../tokens';
import { words as wordsOf } from '../../translation';
import { Actions } from '../Actions';
import { Protection } from '../Protection';
import { StatusText } from '../StatusText';
import { Storage } from '../Storage';
import { Timeline } from '../Timeline';

const words = wordsOf(nullTranslator);
let root: Root;
let page: HTMLElement;
let kernel: FakeKernel;
let model: BackupModel;
let run: [string, unknown][];
let commands: CommandRegistry;

type Shown = (props: {
  model: BackupModel;
  commands: CommandRegistry;
  words: typeof words;
}) => React.JSX.Element | null;

async function show(Component: Shown): Promise<void> {
  model.setSource({ kernel: kernel.asKernel, title: 'x.ipynb' });
  await act(async () => {
    root.render(<Component model={model} commands={commands} words={words} />);
    await settled();
  });
}

async function click(target: Element | null | undefined): Promise<void> {
  await act(async () => {
    target?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
    await settled();
  });
}

function button(label: string): HTMLButtonElement | undefined {
  return [...page.querySelectorAll('button')].find(
    ({ ariaLabel, textContent, title }) =>
      title === label || ariaLabel === label || textContent === label
  );
}

beforeEach(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  page = document.createElement('div');
  document.body.append(page);
  root = createRoot(page);
  kernel = new FakeKernel();
  kernel.load();
  model = new BackupModel(new Links());
  run = [];
  commands = new CommandRegistry();
  for (const id of Object.values(CommandIDs)) {
    commands.addCommand(id, { execute: args => void run.push([id, args['id']]) });
  }
});

afterEach(() => {
  act(() => root.unmount());
  page.remove();
});

describe('Protection', () => {
  it('says that the frames are protected, and by what', async () => {
    await show(Protection);
    expect(page.querySelector('[role=status]')?.textContent).toBe('Protected');
    expect(page.textContent).toContain('1 frame watched');
    expect(page.textContent).toContain('Before drop');
  });

  it('gives the reason when they are not', async () => {
    kernel.load(() => state({ problem: 'The disk is full.' }));
    await show(Protection);
    expect(page.querySelector('[role=status]')?.textContent).toBe('Not protectedThe disk is full.');
  });

  it('does not alarm before there can be frames', async () => {
    kernel.onOpen = comm => comm.answer({ type: 'waiting' });
    await show(Protection);
    expect(page.querySelector('[role=status]')?.textContent).toContain('Nothing to protect yet');
    expect(page.querySelector('button')).toBeNull();
  });

  it('offers to turn protection on', async () => {
    kernel.onOpen = comm => comm.answer({});
    await show(Protection);
    await click(button('Turn on'));
    expect(run).toEqual([[CommandIDs.turnOn, undefined]]);
  });

  it('offers what an earlier session has left', async () => {
    kernel.load(() => state({ recoverable: [backup({ notebook: '/home/ada/a.ipynb' })] }));
    await show(Protection);
    expect(page.textContent).toContain('a.ipynb left df (5000 × 3)');
    await click(button('Bring back'));
    expect(run).toEqual([[CommandIDs.recover, undefined]]);
  });

  it('says what else there is to say', async () => {
    await show(Protection);
    const text = async (change: () => void): Promise<string | null | undefined> => {
      await act(async () => {
        change();
        await settled();
      });
      return page.querySelector('strong')?.textContent;
    };
    expect(await text(() => model.setSource(null))).toBe('No kernel');
    const r = new FakeKernel();
    r.language = 'R';
    expect(await text(() => model.setSource({ kernel: r.asKernel, title: 'r' }))).toBe(
      'Not a Python kernel'
    );
    const busy = new FakeKernel();
    busy.status = 'busy';
    expect(await text(() => model.setSource({ kernel: busy.asKernel, title: 'b' }))).toBe(
      'The kernel is busy'
    );
    expect(await text(() => busy.become('dead'))).toBe('The kernel is dead');
  });
});

describe('Actions', () => {
  it('offers what can be done, and says what undo would do', async () => {
    await show(Actions);
    expect(button('Undo')?.disabled).toBe(false);
    expect(button('Redo')?.disabled).toBe(true);
    expect(page.textContent).toContain('cell [3]: drop');
    await click(button('Quick backup'));
    await click(button('Undo'));
    expect(run.map(([id]) => id)).toEqual([CommandIDs.quickBackup, CommandIDs.undo]);
  });

  it('offers nothing without a kernel', async () => {
    kernel.onOpen = comm => comm.answer({});
    await show(Actions);
    expect([...page.querySelectorAll('button')].every(({ disabled }) => disabled)).toBe(true);
  });
});

describe('Timeline', () => {
  it('opens an entry, with its frames, its cell and what can be done', async () => {
    await show(Timeline);
    const head = page.querySelector<HTMLButtonElement>('.dfb-Entry-head');
    expect(head?.getAttribute('aria-expanded')).toBe('false');
    await click(head);
    expect(head?.getAttribute('aria-expanded')).toBe('true');
    expect(page.querySelector('.dfb-Details')?.textContent).toContain('5,000 × 3');
    expect(page.querySelector('pre')?.textContent).toBe('df = df.drop(columns="a")');
    for (const label of ['Restore…', 'Compare', 'Look into it', 'Rename…', 'Pin', 'Export…']) {
      await click(button(label));
    }
    await click(button('Delete…'));
    expect(run).toEqual(
      [
        CommandIDs.restore,
        CommandIDs.compare,
        CommandIDs.look,
        CommandIDs.rename,
        CommandIDs.pin,
        CommandIDs.export,
        CommandIDs.delete
      ].map(id => [id, backup().id])
    );
  });

  it('folds automatic backups, and unfolds them', async () => {
    const many = [1, 2, 3, 4, 5, 6].map(index => backup({ id: `id-${index}` }));
    kernel.load(() => state({}, many));
    await show(Timeline);
    expect(page.querySelectorAll('.dfb-Entry')).toHaveLength(3);
    const folded = page.querySelector<HTMLButtonElement>('.dfb-Folded button');
    expect(folded?.textContent).toContain('3 automatic backups');
    await click(folded);
    expect(page.querySelectorAll('.dfb-Entry')).toHaveLength(6);
  });

  it('searches', async () => {
    await show(Timeline);
    await act(async () => {
      model.query = 'no such thing';
      await settled();
    });
    expect(page.textContent).toContain('No backup matches.');
  });

  it('shows hostile names as they are written', async () => {
    const hostile = '<img src=x onerror=alert(1)>';
    const [frame] = backup().frames;
    const some = backup({
      name: hostile,
      description: hostile,
      notebook: hostile,
      frames: [{ ...frame!, name: hostile }],
      provenance: { ...backup().provenance, cell: hostile, reason: hostile }
    });
    kernel.load(() => state({ last: some }, [some]));
    await show(Timeline);
    await click(page.querySelector('.dfb-Entry-head'));
    expect(page.querySelector('img')).toBeNull();
    expect(page.querySelector('.dfb-Entry-title')?.textContent).toBe(hostile);
  });

  it('says how to begin', async () => {
    kernel.load(() => state({ last: null, session_backups: 0 }, []));
    await show(Timeline);
    expect(page.textContent).toContain('Quick backup makes one now.');
  });
});

describe('Storage and the status bar', () => {
  it('shows what is on disk', async () => {
    kernel.onOpen = comm =>
      comm.opened?.['method']
        ? comm.answer({
            ok: true,
            result: {
              store: '/store',
              backups: { auto: 2, manual: 3 },
              notebooks: {},
              session_backups: 1,
              bytes_raw: 2e9,
              bytes_on_disk: 1.5e8,
              bytes_free: 9e11
            }
          })
        : comm.push(state());
    await show(Storage);
    expect(page.textContent).toContain('1 of this session, 5 of all notebooks');
    expect(page.textContent).toContain('150 MB for 2.0 GB of data');
    await click(button('Backup management'));
    expect(run[0]?.[0]).toBe(CommandIDs.manage);
  });

  it('counts in the status bar, and opens the sidebar', async () => {
    const created = new Date(Date.now() - 130000).toISOString();
    kernel.load(() => state({ session_backups: 12, last: backup({ created }) }));
    await show(StatusText);
    expect(page.textContent).toBe('12 backups · 2 min ago');
    await click(page.querySelector('[role=button]'));
    expect(run[0]?.[0]).toBe(CommandIDs.show);
  });
});
