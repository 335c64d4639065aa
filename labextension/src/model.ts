import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { KernelLink, Links, LinkKernel, Phase } from './link';
import type {
  Backup,
  Method,
  Params,
  ProgressEvent,
  Result,
  StateEvent,
  Stats,
  Status
} from './protocol';
import { search, timeline, type Day } from './timeline';

/** A notebook or console whose kernel we follow. */
export type Source = { kernel: LinkKernel | null; title: string };

/** How well the frames are protected, in one word. */
export type Protection =
  | 'no-kernel'
  | Exclude<Phase, 'ready'>
  /** No answer yet, because a cell runs. */
  | 'busy'
  | 'protected'
  | 'writing'
  | 'unprotected';

/** Which backups the timeline shows. */
export type Scope = 'session' | 'notebook' | 'all';

/** So many backups are asked for at most, outside of the session's own. */
const LIMIT = 1000;

/** What the displays show, of the kernel that is looked at. It knows nothing of the page. */
export class BackupModel implements IDisposable {
  constructor(links: Links) {
    this._links = links;
  }

  /** Emitted when anything below changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /**
   * Emitted with each kernel session that is met, at first and after each restart.
   *
   * This is where what a previous session left behind can be offered.
   */
  get sessionStarted(): ISignal<this, StateEvent> {
    return this._sessionStarted;
  }

  /** The name of the notebook or console. */
  get title(): string {
    return this._title;
  }

  get link(): KernelLink | null {
    return this._link;
  }

  get protection(): Protection {
    if (this._link === null) {
      return 'no-kernel';
    }
    const { phase, state, isBusy } = this._link;
    if (phase !== 'ready' && phase !== 'connecting') {
      return phase;
    }
    if (state === null) {
      return isBusy ? 'busy' : 'connecting';
    }
    if (phase === 'connecting') {
      return 'connecting';
    }
    if (state.status.problem !== null || !state.status.auto) {
      return 'unprotected';
    }
    return state.status.writing > 0 ? 'writing' : 'protected';
  }

  get isReady(): boolean {
    return this._link?.phase === 'ready';
  }

  get status(): Status | null {
    return this.isReady ? (this._link?.state?.status ?? null) : null;
  }

  /** The session's backups, whatever is shown. */
  get sessionBackups(): readonly Backup[] {
    return this.isReady ? (this._link?.state?.backups ?? []) : [];
  }

  /** What is shown: the scope's, found by the query. */
  get backups(): readonly Backup[] {
    const all = this._scope === 'session' ? this.sessionBackups : this._earlier;
    return search(all, this._query);
  }

  get days(): Day[] {
    return timeline(this.backups, this._fold && this._query.trim() === '');
  }

  /** Disk use; null before it was asked for. */
  get stats(): Stats | null {
    return this._stats;
  }

  /** The newest step of each request that is under way. */
  get progress(): ReadonlyMap<string, ProgressEvent> {
    return this._progress;
  }

  /** Why the last look into the store did not work. */
  get failure(): unknown {
    return this._failure;
  }

  get query(): string {
    return this._query;
  }

  set query(query: string) {
    this._query = query;
    this._changed.emit();
  }

  /** Whether automatic backups are folded. */
  get fold(): boolean {
    return this._fold;
  }

  set fold(fold: boolean) {
    this._fold = fold;
    this._changed.emit();
  }

  get scope(): Scope {
    return this._scope;
  }

  set scope(scope: Scope) {
    this._scope = scope;
    this._earlier = [];
    this._changed.emit();
    void this.refresh();
  }

  /** The backup to compare others with. */
  get marked(): string | null {
    return this._marked;
  }

  set marked(id: string | null) {
    this._marked = id;
    this._changed.emit();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._follow(null);
    Signal.clearData(this);
  }

  /** Look at another notebook or console, or at none. */
  setSource(source: Source | null): void {
    this._title = source?.title ?? '';
    const link = source?.kernel ? this._links.of(source.kernel) : null;
    if (link === this._link) {
      this._changed.emit();
      return;
    }
    this._stats = null;
    this._earlier = [];
    this._marked = null;
    this._failure = null;
    this._progress.clear();
    this._follow(link);
    this._changed.emit();
    void this.refresh();
  }

  /** Return a backup that is shown or of this session. */
  backup(id: string): Backup | undefined {
    return [...this.sessionBackups, ...this._earlier].find(backup => backup.id === id);
  }

  /** Ask the kernel, and forget the request's progress when it has answered. */
  async request<M extends Method>(
    link: KernelLink,
    method: M,
    params: Params<M>,
    onOpened?: (id: string) => void
  ): Promise<Result<M>> {
    let opened = '';
    try {
      return await link.request(method, params, id => {
        opened = id;
        onOpened?.(id);
      });
    } finally {
      if (this._progress.delete(opened)) {
        this._changed.emit();
      }
    }
  }

  /** Look at the store's size, and at backups of other sessions when they are shown. */
  async refresh(): Promise<void> {
    const link = this._link;
    if (link?.phase !== 'ready') {
      return;
    }
    const scope = this._scope;
    try {
      const [stats, all] = await Promise.all([
        link.request('stats', {}),
        scope === 'session' ? [] : link.request('list', { all: true, limit: LIMIT })
      ]);
      if (link !== this._link || scope !== this._scope) {
        return;
      }
      const notebook = this.status?.notebook;
      this._stats = stats;
      this._earlier = all.filter(
        backup => backup.kind !== 'autosave' && (scope === 'all' || backup.notebook === notebook)
      );
      this._failure = null;
    } catch (reason) {
      if (link !== this._link) {
        return;
      }
      this._failure = reason;
    }
    this._changed.emit();
  }

  private _follow(link: KernelLink | null): void {
    this._link?.changed.disconnect(this._onChanged, this);
    this._link?.progressed.disconnect(this._onProgress, this);
    this._link?.sessionStarted.disconnect(this._onSession, this);
    this._link = link;
    this._shown = null;
    link?.changed.connect(this._onChanged, this);
    link?.progressed.connect(this._onProgress, this);
    link?.sessionStarted.connect(this._onSession, this);
  }

  private _onChanged(link: KernelLink): void {
    // What is on disk only changes with the backups, and asking makes the kernel's light flicker.
    const { phase, state } = link;
    const shown = [state?.status.session, ...(state?.backups.map(fingerprint) ?? [])].join();
    if (phase === 'ready' && shown !== this._shown && state?.status.writing === 0) {
      this._shown = shown;
      void this.refresh();
    }
    this._changed.emit();
  }

  private _onProgress(_: KernelLink, event: ProgressEvent): void {
    this._progress.set(event.request, event);
    this._changed.emit();
  }

  private _onSession(_: KernelLink, event: StateEvent): void {
    this._sessionStarted.emit(event);
  }

  private readonly _links: Links;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _sessionStarted = new Signal<this, StateEvent>(this);
  private readonly _progress = new Map<string, ProgressEvent>();
  private _link: KernelLink | null = null;
  private _title = '';
  private _stats: Stats | null = null;
  /** What the scope shows, when that is not the session alone. */
  private _earlier: Backup[] = [];
  private _failure: unknown = null;
  private _query = '';
  private _fold = true;
  private _scope: Scope = 'session';
  private _marked: string | null = null;
  private _shown: string | null = null;
  private _isDisposed = false;
}

function fingerprint({ id, name, pinned, committed }: Backup): string {
  return `${id} ${name} ${pinned} ${committed}`;
}
