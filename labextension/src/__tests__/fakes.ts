import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { JSONObject, JSONValue } from '@lumino/coreutils';
import { Signal } from '@lumino/signaling';

import type { LinkKernel } from '../link';
import {
  EVENTS_TARGET,
  PROTOCOL,
  REQUEST_TARGET,
  type Backup,
  type StateEvent,
  type Status
} from '../protocol';

/** A backup, as far as a test says. */
export function backup(some: Partial<Backup> = {}): Backup {
  return {
    id: 'auto_20240117_141200_abcd1234',
    name: '',
    description: '',
    kind: 'auto',
    created: '2024-01-17T14:12:00+00:00',
    session: 'session-1',
    notebook: 'x.ipynb',
    frames: [
      {
        name: 'df',
        type: 'pandas.DataFrame',
        rows: 5000,
        columns: 3,
        bytes: 120000,
        aliases: [],
        lost: []
      }
    ],
    provenance: {
      cell: 'df = df.drop(columns="a")',
      execution_count: 3,
      operations: [{ operation: 'drop', frames: ['df'], line: 1 }],
      reason: ''
    },
    bytes_raw: 120000,
    bytes_stored: 40000,
    committed: true,
    trusted: true,
    pinned: false,
    ...some
  };
}

/** A status, as far as a test says. */
export function status(some: Partial<Status> = {}): Status {
  return {
    auto: true,
    problem: null,
    writing: 0,
    notebook: 'x.ipynb',
    session: 'session-1',
    store: '/store',
    frames: { df: [5000, 3] },
    unwatched: [],
    session_backups: 1,
    last: backup(),
    undo: 'cell [3]: drop',
    redo: null,
    recoverable: [],
    ...some
  };
}

/** What the kernel pushes. */
export function state(some: Partial<Status> = {}, backups = [backup()]): StateEvent {
  return { type: 'state', protocol: PROTOCOL, version: '0.1.0', status: status(some), backups };
}

/** A comm that remembers what was opened on it. */
export class FakeComm {
  constructor(
    readonly kernel: FakeKernel,
    readonly targetName: string,
    readonly commId: string
  ) {
    kernel.count(targetName, 1);
  }

  onMsg: (message: KernelMessage.ICommMsgMsg) => unknown = () => undefined;
  onClose: (message: KernelMessage.ICommCloseMsg) => unknown = () => undefined;
  opened: JSONObject | null = null;
  isDisposed = false;

  get subshellStarted(): Promise<void> {
    return this.kernel.subshells;
  }

  open(data: JSONObject): void {
    this.opened = data;
    this.kernel.onOpen(this);
  }

  push(data: JSONValue): void {
    this.onMsg({ content: { comm_id: this.commId, data } } as unknown as KernelMessage.ICommMsgMsg);
  }

  answer(data: JSONValue): void {
    this.onClose({
      content: { comm_id: this.commId, data }
    } as unknown as KernelMessage.ICommCloseMsg);
    this.dispose();
  }

  /** As JupyterLab does: one that is disposed of already is counted again. */
  dispose(): void {
    this.kernel.count(this.targetName, -1);
    this.isDisposed = true;
  }
}

/** A kernel connection without a kernel: tests say what the kernel does. */
export class FakeKernel {
  readonly id = 'kernel-1';
  readonly statusChanged = new Signal<this, KernelMessage.Status>(this);
  readonly connectionStatusChanged = new Signal<this, Kernel.ConnectionStatus>(this);
  readonly iopubMessage = new Signal<this, KernelMessage.IIOPubMessage>(this);
  readonly disposed = new Signal<this, void>(this);
  readonly comms: FakeComm[] = [];
  readonly executed: string[] = [];
  status: KernelMessage.Status = 'idle';
  language = 'python';
  subshells: Promise<void> = Promise.resolve();
  reply: JSONObject = { status: 'ok' };
  /** What the kernel does when a comm is opened. */
  onOpen: (comm: FakeComm) => void = () => undefined;

  get info(): Promise<unknown> {
    return Promise.resolve({ language_info: { name: this.language } });
  }

  createComm(target: string): FakeComm {
    const comm = new FakeComm(this, target, `comm-${this.comms.length}`);
    this.comms.push(comm);
    return comm;
  }

  requestExecute({ code }: { code: string }): { done: Promise<unknown> } {
    this.executed.push(code);
    return { done: Promise.resolve({ content: this.reply }) };
  }

  get asKernel(): LinkKernel {
    return this as unknown as LinkKernel;
  }

  /** The targets whose last comm went away, which ended their subshells. */
  readonly ended: string[] = [];

  count(target: string, change: 1 | -1): void {
    const left = (this._counts.get(target) ?? 0) + change;
    this._counts.set(target, left);
    if (left <= 0) {
      this.ended.push(target);
    }
  }

  private readonly _counts = new Map<string, number>();

  /** The anchors that were opened. */
  get anchors(): FakeComm[] {
    return this.comms.filter(comm => comm.targetName === EVENTS_TARGET && comm.opened);
  }

  /** The requests that were opened. */
  get requests(): FakeComm[] {
    return this.comms.filter(comm => comm.targetName === REQUEST_TARGET && comm.opened);
  }

  become(status: KernelMessage.Status): void {
    this.status = status;
    this.statusChanged.emit(status);
  }

  /** Answer like a kernel in which the package is loaded. */
  load(pushed: () => StateEvent = state): void {
    this.onOpen = comm => {
      if (comm.targetName === EVENTS_TARGET) {
        comm.push(pushed());
      }
    };
  }
}

/** Let everything that is due happen. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    await Promise.resolve();
  }
  await new Promise(resolve => setTimeout(resolve, 0));
}
