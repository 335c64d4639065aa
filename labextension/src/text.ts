import type { TranslationBundle } from '@jupyterlab/translation';

import { KernelBusy, KernelGone, NotLoaded } from './link';
import { RequestError, type Backup, type Kind } from './protocol';
import { operations } from './timeline';

/** Return a size as people read it. */
export function bytes(size: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit > 0 && size < 9.95 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

/** Return how long ago something was, in a few words. */
export function ago(when: string, now: number, trans: TranslationBundle): string {
  const seconds = Math.max(0, (now - Date.parse(when)) / 1000);
  if (seconds < 60) {
    return trans.__('just now');
  }
  if (seconds < 3600) {
    return trans.__('%1 min ago', Math.floor(seconds / 60));
  }
  if (seconds < 86400) {
    return trans.__('%1 h ago', Math.floor(seconds / 3600));
  }
  const days = Math.floor(seconds / 86400);
  return trans._n('%1 day ago', '%1 days ago', days);
}

/** Return the time of the day. */
export function clock(when: string, language: string): string {
  return new Date(when).toLocaleTimeString(language, { hour: '2-digit', minute: '2-digit' });
}

/** Return the heading of a day. */
export function day(key: string, now: number, language: string, trans: TranslationBundle): string {
  const date = new Date(`${key}T12:00:00`);
  const today = new Date(now);
  today.setHours(12, 0, 0, 0);
  const days = Math.round((today.getTime() - date.getTime()) / 86400000);
  if (days === 0) {
    return trans.__('Today');
  }
  if (days === 1) {
    return trans.__('Yesterday');
  }
  return date.toLocaleDateString(language, { dateStyle: 'full' });
}

/** Return the word for a kind of backup. */
export function kind(of: Kind, trans: TranslationBundle): string {
  switch (of) {
    case 'manual':
      return trans.__('Backup');
    case 'quick':
      return trans.__('Quick backup');
    case 'auto':
      return trans.__('Automatic');
    case 'safety':
      return trans.__('Before a restore');
    case 'autosave':
      return trans.__('Autosave');
    case 'import':
      return trans.__('Imported');
  }
}

/** Return what a backup is called: its name, or what it was made before. */
export function title(backup: Backup, trans: TranslationBundle): string {
  if (backup.name) {
    return backup.name;
  }
  if (backup.kind === 'quick') {
    return kind(backup.kind, trans);
  }
  const found = operations(backup);
  if (backup.kind === 'auto' && found.length > 0) {
    return trans.__('Before %1', found.join(', '));
  }
  const { reason } = backup.provenance;
  return reason ? reason.charAt(0).toUpperCase() + reason.slice(1) : kind(backup.kind, trans);
}

/** Return what an earlier session has left: its notebook, its frames, how old. */
export function left(backup: Backup, now: number, trans: TranslationBundle): string {
  const shown = backup.frames
    .slice(0, 3)
    .map(({ name, rows, columns }) => `${name} (${rows} × ${columns})`);
  const frames = [...shown, ...(backup.frames.length > 3 ? ['…'] : [])].join(', ');
  return trans.__(
    '%1 left %2, %3',
    backup.notebook.split(/[\\/]/).pop() ?? '',
    frames || trans.__('no frames'),
    ago(backup.created, now, trans)
  );
}

/** Return a sentence on what did not work, and the next step. */
export function failure(reason: unknown, trans: TranslationBundle): string {
  if (reason instanceof RequestError) {
    return [reason.message, reason.hint].filter(Boolean).join(' ');
  }
  if (reason instanceof KernelBusy) {
    return trans.__('The kernel is busy. Try again when the cell has ended.');
  }
  if (reason instanceof KernelGone) {
    return trans.__('The kernel was restarted or shut down before it answered.');
  }
  if (reason instanceof NotLoaded) {
    return trans.__('Backups are not turned on in this kernel.');
  }
  return reason instanceof Error ? reason.message : String(reason);
}
