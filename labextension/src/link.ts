import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import {
  EVENTS_TARGET,
  hello,
  isWaiting,
  METHODS,
  readAnswer,
  readEvent,
  request,
  REQUEST_TARGET,
  RequestError,
  speaksOther,
  type Method,
  type Params,
  type ProgressEvent,
  type Result,
  type StateEvent
} from './protocol';

/** How far we are with a kernel. */
export type Phase =
  /** Asked, no answer yet: the kernel starts, or a cell runs and it has no subshells. */
  | 'connecting'
  /** Nobody there: the Python package is not loaded in this kernel. */
  | 'not-loaded'
  /** The package loads by itself as soon as there can be frames. */
  | 'waiting'
  /** The package speaks another version of the protocol. */
  | 'incompatible'
  /** The kernel speaks another language than Python. */
  | 'unsupported'
  /** The kernel is dead. */
  | 'dead'
  | 'ready';

/** What we need of a kernel connection. It must be the document's own: clones have no comms. */
export type LinkKernel = Pick<
  Kernel.IKernelConnection,
  | 'connectionStatusChanged'
  | 'createComm'
  | 'disposed'
  | 'id'
  | 'info'
  | 'iopubMessage'
  | 'requestExecute'
  | 'status'
  | 'statusChanged'
>;

/** How long to wait, in milliseconds. */
export type Patience = {
  /** For a subshell; where the setting turns them off, it never comes. */
  subshell: number;
  /** For an answer that the kernel only has to read. */
  answer: number;
};

const TARGETS = [REQUEST_TARGET, EVENTS_TARGET];

const PATIENCE: Patience = { subshell: 2000, answer: 10000 };

/** The kernel does not answer: it is in code that lets no other thread run, or has no subshells. */
export class KernelBusy extends Error {
  constructor() {
    super('The kernel is busy.');
    this.name = 'KernelBusy';
  }
}

/** The kernel went away, or was restarted, before it answered. */
export class KernelGone extends Error {
  constructor() {
    super('The kernel went away before it answered.');
    this.name = 'KernelGone';
  }
}

/** The package is not loaded in the kernel. */
export class NotLoaded extends Error {
  constructor() {
    super('DataFrame backups are not turned on in this kernel.');
    this.name = 'NotLoaded';
  }
}

/** Our connection to one kernel: what it pushes, and requests to it. */
export class KernelLink implements IDisposable {
  constructor(kernel: LinkKernel, patience: Partial<Patience> = {}) {
    this._kernel = kernel;
    this._patience = { ...PATIENCE, ...patience };
    kernel.statusChanged.connect(this._onStatus, this);
    kernel.connectionStatusChanged.connect(this._onConnection, this);
    kernel.iopubMessage.connect(this._onIOPub, this);
    kernel.disposed.connect(this.dispose, this);
    void this._connect();
  }

  /** Emitted when the phase or the state changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emitted for every step of a long request. */
  get progressed(): ISignal<this, ProgressEvent> {
    return this._progressed;
  }

  /** Emitted with each kernel session that we meet: at first, and after each restart. */
  get sessionStarted(): ISignal<this, StateEvent> {
    return this._sessionStarted;
  }

  /** The kernel's id. */
  get id(): string {
    return this._kernel.id;
  }

  get phase(): Phase {
    return this._phase;
  }

  /** The newest state; null before the first one. */
  get state(): StateEvent | null {
    return this._state;
  }

  /** Whether a cell runs. Our own requests make the kernel's status an unsure sign of that. */
  get isBusy(): boolean {
    return this._running !== undefined || this._kernel.status === 'busy';
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._leave();
    Signal.clearData(this);
  }

  /**
   * Ask the kernel.
   *
   * @param onOpened - Called with the request's ID, under which its progress comes.
   * @throws RequestError - The kernel's own sentence and next step.
   * @throws KernelBusy - No answer in time to something that needs no waiting.
   * @throws NotLoaded - Nobody there.
   * @throws KernelGone - Restarted or dead.
   */
  async request<M extends Method>(
    method: M,
    params: Params<M>,
    onOpened?: (id: string) => void
  ): Promise<Result<M>> {
    if (this._isDisposed) {
      throw new KernelGone();
    }
    const epoch = this._epoch;
    const comm = this._kernel.createComm(REQUEST_TARGET);
    await this._subshell(comm);
    if (epoch !== this._epoch) {
      release(comm);
      throw new KernelGone();
    }
    return new Promise<Result<M>>((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this._pending.delete(fail);
      };
      const fail = (reason: Error): void => {
        settle();
        release(comm);
        reject(reason);
      };
      const timer =
        METHODS[method] === 'reads'
          ? setTimeout(() => fail(new KernelBusy()), this._patience.answer)
          : undefined;
      this._pending.add(fail);
      comm.onClose = message => {
        settle();
        const answer = readAnswer<Result<M>>(message.content.data);
        if (answer === null) {
          reject(new NotLoaded());
        } else if (answer.ok) {
          resolve(answer.result);
        } else {
          const { type, message, hint } = answer.error;
          reject(new RequestError(type, message, hint));
        }
      };
      onOpened?.(comm.commId);
      comm.open(request(method, params));
    });
  }

  /** Load the package into the kernel. */
  async turnOn(): Promise<void> {
    const { content } = await this._kernel.requestExecute({
      code: '%load_ext dfbackup_jupyter',
      silent: true,
      store_history: false,
      allow_stdin: false
    }).done;
    if (content.status !== 'ok') {
      const reason = content.status === 'error' ? content.evalue : '';
      throw new RequestError(
        'LoadError',
        reason || 'The package could not be loaded.',
        '%pip install dfbackup-jupyter'
      );
    }
    await this._connect();
  }

  private async _connect(): Promise<void> {
    this._drop();
    const epoch = this._epoch;
    this._set('connecting');
    // It is refused when the kernel goes away before it has said what it is.
    const info = await this._kernel.info.catch(() => null);
    if (info === null || epoch !== this._epoch) {
      return;
    }
    if (info.language_info?.name !== 'python') {
      this._set('unsupported');
      return;
    }
    // JupyterLab has one subshell per comm target, which ends with the target's last comm; a comm
    // that is made at that moment waits for ever. These two are never opened: they keep both alive.
    if (this._keepers.length === 0) {
      this._keepers = TARGETS.map(target => this._kernel.createComm(target));
    }
    const anchor = (this._anchor = this._kernel.createComm(EVENTS_TARGET));
    await this._subshell(anchor);
    if (epoch !== this._epoch) {
      return;
    }
    anchor.onMsg = message => this._onEvent(message.content);
    anchor.onClose = ({ content }) => {
      if (this._anchor === anchor) {
        this._anchor = null; // JupyterLab disposes of it
        this._drop();
        this._set(isWaiting(content.data) ? 'waiting' : 'not-loaded');
        if (this._phase === 'waiting' && this._hadFrames) {
          // It has lost frames: what can be brought back should be known before pandas is imported.
          this._hadFrames = false;
          this.turnOn().catch(() => undefined);
        }
      }
    };
    anchor.open(hello());
  }

  /** Wait for the subshell on which a comm is to be opened, where there are such things. */
  private async _subshell(comm: Kernel.IComm): Promise<void> {
    const started = (comm as Partial<{ subshellStarted: Promise<void> }>).subshellStarted;
    if (started === undefined) {
      return;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>(resolve => {
      timer = setTimeout(resolve, this._patience.subshell);
    });
    await Promise.race([started.catch(() => undefined), late]);
    clearTimeout(timer);
  }

  private _onEvent({ data }: KernelMessage.ICommMsgMsg['content']): void {
    const event = readEvent(data);
    if (event?.type === 'progress') {
      this._progressed.emit(event);
    } else if (event?.type === 'state') {
      const met = this._session === event.status.session;
      this._state = event;
      this._session = event.status.session;
      this._set('ready');
      if (!met) {
        this._sessionStarted.emit(event);
      }
    } else if (speaksOther(data)) {
      this._set('incompatible');
    }
  }

  private _onStatus(_: unknown, status: KernelMessage.Status): void {
    if (status === 'restarting' || status === 'autorestarting') {
      this._hadFrames ||= Object.keys(this._state?.status.frames ?? {}).length > 0;
      this._lost = true;
      this._running = undefined;
      this._leave();
      this._set('connecting');
    } else if (status === 'dead' || status === 'terminating') {
      this._leave();
      this._set('dead');
    } else if (status === 'idle' && (this._lost || this._anchor?.isDisposed)) {
      this._lost = false;
      void this._connect();
    } else {
      this._changed.emit();
    }
  }

  /** While the connection was away, what the kernel pushed was lost. */
  private _onConnection(_: unknown, status: Kernel.ConnectionStatus): void {
    if (status !== 'connected') {
      this._lost ||= this._phase === 'ready';
    } else if (this._lost && this._kernel.status === 'idle') {
      this._lost = false;
      void this._connect();
    }
  }

  /** See which cell runs, and look again after one that may have loaded the package. */
  private _onIOPub(_: unknown, message: KernelMessage.IIOPubMessage): void {
    const cell = (message.parent_header as Partial<KernelMessage.IHeader>).msg_id;
    if (message.header.msg_type === 'execute_input') {
      const { code } = message.content as KernelMessage.IExecuteInputMsg['content'];
      this._running = cell;
      // It loads with pandas, which may be imported in a module or script of the user's, too.
      this._loading = this._mayLoad && /\bimport\b|%|dfbackup/.test(code);
    } else if (message.header.msg_type === 'status' && cell && cell === this._running) {
      const { execution_state } = message.content as KernelMessage.IStatusMsg['content'];
      // The cell's own end: what we ask on a subshell makes the kernel seem idle before that.
      if (execution_state === 'idle') {
        this._running = undefined;
        if (this._loading && this._mayLoad) {
          void this._connect();
        }
      }
    }
  }

  private get _mayLoad(): boolean {
    // Also while we connect: the answer that nobody is there may be older than a cell.
    return ['not-loaded', 'waiting', 'connecting'].includes(this._phase);
  }

  private _set(phase: Phase): void {
    this._phase = phase;
    if (phase !== 'ready' && phase !== 'connecting') {
      this._state = null;
    }
    this._changed.emit();
  }

  /** End all that we have with a kernel that is gone. */
  private _leave(): void {
    this._drop();
    this._keepers.forEach(release);
    this._keepers = [];
  }

  /** End what goes over the present connection. */
  private _drop(): void {
    this._epoch += 1;
    const anchor = this._anchor;
    this._anchor = null;
    release(anchor);
    for (const fail of [...this._pending]) {
      fail(new KernelGone());
    }
  }

  private readonly _kernel: LinkKernel;
  private readonly _patience: Patience;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _progressed = new Signal<this, ProgressEvent>(this);
  private readonly _sessionStarted = new Signal<this, StateEvent>(this);
  private readonly _pending = new Set<(reason: Error) => void>();
  private _anchor: Kernel.IComm | null = null;
  private _keepers: Kernel.IComm[] = [];
  private _phase: Phase = 'connecting';
  private _state: StateEvent | null = null;
  private _session: string | null = null;
  /** Grows with every new connection, so that what was awaited for an older one ends. */
  private _epoch = 0;
  /** The message that runs the present cell. */
  private _running: string | undefined;
  private _lost = false;
  /** Whether the kernel had frames before it was restarted. */
  private _hadFrames = false;
  /** Whether it may load the package. */
  private _loading = false;
  private _isDisposed = false;
}

/** The links, one per kernel connection, whoever asks. */
export class Links {
  /** Return the link to a kernel. */
  of(kernel: LinkKernel): KernelLink {
    const known = this._links.get(kernel);
    if (known !== undefined && !known.isDisposed) {
      return known;
    }
    const link = new KernelLink(kernel);
    this._links.set(kernel, link);
    return link;
  }

  private readonly _links = new WeakMap<LinkKernel, KernelLink>();
}

/** End a comm, once: JupyterLab counts those of a target down each time. */
function release(comm: Kernel.IComm | null): void {
  if (comm !== null && !comm.isDisposed) {
    comm.dispose();
  }
}
