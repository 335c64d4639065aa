import type { JSONObject, JSONValue } from '@lumino/coreutils';

/** The version of the protocol that this front-end speaks; `ui/protocol.py` is its other side. */
export const PROTOCOL = 1;

/** One long-lived comm per front-end and kernel, on which the kernel pushes. */
export const EVENTS_TARGET = 'dfbackup.events';

/** One short comm per request: it is opened with the question and closed with the answer. */
export const REQUEST_TARGET = 'dfbackup.request';

export type Kind = 'manual' | 'quick' | 'auto' | 'safety' | 'autosave' | 'import';

export type Lost = { name: string; reason: string };

export type FrameInfo = {
  name: string;
  type: string;
  rows: number;
  columns: number;
  bytes: number;
  aliases: string[];
  lost: Lost[];
};

export type Operation = { operation: string; frames: string[]; line: number };

export type Provenance = {
  cell: string | null;
  execution_count: number | null;
  operations: Operation[];
  reason: string;
};

export type Backup = {
  id: string;
  name: string;
  description: string;
  kind: Kind;
  /** ISO 8601 with its offset. */
  created: string;
  session: string;
  notebook: string;
  frames: FrameInfo[];
  provenance: Provenance;
  bytes_raw: number;
  bytes_stored: number;
  committed: boolean;
  trusted: boolean;
  pinned: boolean;
};

export type Status = {
  auto: boolean;
  problem: string | null;
  writing: number;
  notebook: string;
  session: string;
  store: string;
  frames: { [name: string]: [rows: number, columns: number] };
  unwatched: string[];
  session_backups: number;
  last: Backup | null;
  undo: string | null;
  redo: string | null;
  /** What earlier sessions left, the likeliest first, while this one has changed nothing. */
  recoverable: Backup[];
};

export type Restored = {
  action: string;
  backup: Backup | null;
  restored: string[];
  untouched: string[];
  removed: string[];
  state: string[];
  safety: string | null;
  warnings: string[];
  dry_run: boolean;
};

export type Stats = {
  store: string;
  backups: { [kind: string]: number };
  notebooks: { [notebook: string]: number };
  session_backups: number;
  oldest: string | null;
  newest: string | null;
  bytes_raw: number;
  bytes_on_disk: number;
  bytes_free: number;
};

export type Verification = {
  ok: boolean;
  checked: number;
  damage: { backup: string | null; frames: string[]; columns: string[]; what: string }[];
};

type Nothing = Record<string, never>;

/** Every method: what it is given, and what it answers. */
export type Methods = {
  status: { params: Nothing; result: Status };
  list: {
    params: { all?: boolean; kind?: Kind; frame?: string; limit?: number };
    result: Backup[];
  };
  show: { params: { id: string }; result: { backup: Backup; html: string } };
  quick: { params: Nothing; result: Backup };
  create: {
    params: { name: string; description?: string; only?: string[]; data_only?: boolean };
    result: Backup;
  };
  recover: { params: { id?: string }; result: Restored };
  undo: { params: Nothing; result: Restored };
  redo: { params: Nothing; result: Restored };
  preview: {
    params: { id: string; only?: string[] };
    result: { restored: Restored; html: string };
  };
  restore: {
    params: {
      id: string;
      only?: string[];
      as_name?: string;
      data_only?: boolean;
      exact?: boolean;
    };
    result: Restored;
  };
  diff: { params: { id: string; other?: string }; result: { html: string; diff: JSONObject } };
  rename: { params: { id: string; name: string }; result: Backup };
  pin: { params: { id: string; pinned: boolean }; result: Backup };
  delete: { params: { ids: string[] }; result: Backup[] };
  export: { params: { id: string; file: string }; result: { file: string } };
  stats: { params: Nothing; result: Stats };
  auto: { params: { on: boolean }; result: Status };
  verify: { params: { id?: string }; result: Verification };
};

export type Method = keyof Methods;
export type Params<M extends Method> = Methods[M]['params'];
export type Result<M extends Method> = Methods[M]['result'];

/** How the kernel can answer a method. */
export type Manner =
  /** From the store, at once: a late answer means that the kernel is stuck. */
  | 'reads'
  /** It reads or writes the user's frames, so it may wait for the running cell, and take long. */
  | 'waits';

/** The methods by name. */
export const METHODS: { readonly [M in Method]: Manner } = {
  status: 'reads',
  list: 'reads',
  show: 'reads',
  quick: 'waits',
  create: 'waits',
  recover: 'waits',
  undo: 'waits',
  redo: 'waits',
  preview: 'waits',
  restore: 'waits',
  diff: 'waits',
  rename: 'waits',
  pin: 'waits',
  delete: 'waits',
  export: 'waits',
  stats: 'reads',
  auto: 'reads',
  verify: 'waits'
};

/** What opens the anchor. */
export type Hello = { protocol: number };

/** What opens a request. */
export type Request<M extends Method = Method> = {
  protocol: number;
  method: M;
  params: Params<M>;
};

/** The kernel's state, whenever something in it changed. */
export type StateEvent = {
  type: 'state';
  protocol: number;
  version: string;
  status: Status;
  /** This session's, the newest first, without autosaves. */
  backups: Backup[];
};

/** How far the work of a request is; `request` is the ID of its comm. */
export type ProgressEvent = {
  type: 'progress';
  request: string;
  label: string;
  done: number;
  total: number;
};

/** What closes a request. */
export type Answer<R = unknown> =
  { ok: true; result: R } | { ok: false; error: { type: string; message: string; hint: string } };

/** A sentence from the kernel about what did not work, and the next step. */
export class RequestError extends Error {
  constructor(
    readonly type: string,
    message: string,
    readonly hint: string
  ) {
    super(message);
    this.name = 'RequestError';
  }
}

/** Return what opens the anchor. */
export function hello(): Hello {
  return { protocol: PROTOCOL };
}

/** Return what opens a request. */
export function request<M extends Method>(method: M, params: Params<M>): Request<M> {
  return { protocol: PROTOCOL, method, params };
}

/** Read what the kernel pushed; null for what this version does not know. */
export function readEvent(data: JSONValue | undefined): StateEvent | ProgressEvent | null {
  if (!isObject(data)) {
    return null;
  }
  if (data['type'] === 'progress') {
    return typeof data['request'] === 'string' ? (data as ProgressEvent) : null;
  }
  if (data['type'] === 'state' && data['protocol'] === PROTOCOL && isObject(data['status'])) {
    return Array.isArray(data['backups']) ? (data as unknown as StateEvent) : null;
  }
  return null;
}

/** Return whether the kernel loads the package by itself, once it has imported pandas. */
export function isWaiting(data: JSONValue | undefined): boolean {
  return isObject(data) && data['type'] === 'waiting';
}

/** Return whether the kernel pushed a state of a protocol that we do not speak. */
export function speaksOther(data: JSONValue | undefined): boolean {
  return isObject(data) && data['type'] === 'state' && data['protocol'] !== PROTOCOL;
}

/** Read what closed a request; null when nothing answered. */
export function readAnswer<R>(data: JSONValue | undefined): Answer<R> | null {
  return isObject(data) && typeof data['ok'] === 'boolean' ? (data as unknown as Answer<R>) : null;
}

function isObject(data: JSONValue | undefined): data is JSONObject {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}
