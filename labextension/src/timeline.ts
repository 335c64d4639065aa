import type { Backup } from './protocol';

/** One line of the timeline: a backup, or several automatic ones that are folded. */
export type Entry = { backup: Backup } | { folded: Backup[] };

/** The entries of one local day. */
export type Day = {
  /** As 2024-01-17. */
  key: string;
  entries: Entry[];
};

/** So many of the newest stay unfolded: after a mishap, one of them is wanted. */
const NEWEST = 3;

/**
 * Put backups, the newest first, into days, with runs of automatic ones folded.
 *
 * @param fold - Whether to fold at all; not while searching.
 */
export function timeline(backups: readonly Backup[], fold: boolean): Day[] {
  const days: Day[] = [];
  for (const [index, backup] of backups.entries()) {
    const key = dayOf(backup);
    let day = days.at(-1);
    if (day?.key !== key) {
      day = { key, entries: [] };
      days.push(day);
    }
    const last = day.entries.at(-1);
    if (!fold || index < NEWEST || !isAutomatic(backup)) {
      day.entries.push({ backup });
    } else if (last !== undefined && 'folded' in last) {
      last.folded.push(backup);
    } else {
      day.entries.push({ folded: [backup] });
    }
  }
  return days.map(({ key, entries }) => ({ key, entries: entries.map(unfoldedIfAlone) }));
}

/** Return the backups that a search text is about; every word must be found. */
export function search(backups: readonly Backup[], query: string): Backup[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return backups.filter(backup => {
    const text = searchable(backup);
    return words.every(word => text.includes(word));
  });
}

/** Return whether a backup made itself, and nobody has said that it matters. */
export function isAutomatic(backup: Backup): boolean {
  return ['auto', 'safety', 'autosave'].includes(backup.kind) && !backup.name && !backup.pinned;
}

/** Return the operations that made a backup necessary, each once. */
export function operations(backup: Backup): string[] {
  return [...new Set(backup.provenance.operations.map(found => found.operation))];
}

function searchable({ id, name, description, kind, frames, provenance }: Backup): string {
  return [
    id,
    name,
    description,
    kind,
    provenance.reason,
    provenance.cell ?? '',
    ...frames.flatMap(frame => [frame.name, ...frame.aliases]),
    ...provenance.operations.map(found => found.operation)
  ]
    .join('\n')
    .toLowerCase();
}

function dayOf(backup: Backup): string {
  const when = new Date(backup.created);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}`;
}

function unfoldedIfAlone(entry: Entry): Entry {
  const [only, ...others] = 'folded' in entry ? entry.folded : [];
  return only !== undefined && others.length === 0 ? { backup: only } : entry;
}
