import { describe, expect, it } from 'vitest';

import { search, timeline } from '../timeline';
import { backup } from './fakes';

/** Backups by hour of one day, the newest first; those with a name are manual. */
function hours(...names: string[]): ReturnType<typeof backup>[] {
  return names.map((name, index) =>
    backup({
      id: `id-${index}`,
      name,
      kind: name ? 'manual' : 'auto',
      created: new Date(2024, 0, 17, 20 - index).toISOString()
    })
  );
}

function shape(days: ReturnType<typeof timeline>): string[] {
  return days.flatMap(({ entries }) =>
    entries.map(entry => ('backup' in entry ? entry.backup.id : `${entry.folded.length} folded`))
  );
}

describe('timeline', () => {
  it('folds automatic backups between named ones, but not the newest', () => {
    const days = timeline(hours('', '', '', '', '', 'mine', '', '', ''), true);
    expect(shape(days)).toEqual(['id-0', 'id-1', 'id-2', '2 folded', 'id-5', '3 folded']);
  });

  it('does not fold a single one, a pinned one, or any when it is told not to', () => {
    const some = hours('', '', '', '', 'mine', '', '');
    some[5] = { ...some[5]!, pinned: true };
    expect(shape(timeline(some, true))).toEqual(some.map(({ id }) => id));
    const many = hours('', '', '', '', '', '');
    expect(shape(timeline(many, false))).toHaveLength(6);
  });

  it('goes by the local day', () => {
    const days = timeline(
      [
        backup({ id: 'b', created: new Date(2024, 0, 18, 0, 5).toISOString() }),
        backup({ id: 'a', created: new Date(2024, 0, 17, 23, 55).toISOString() })
      ],
      true
    );
    expect(days.map(({ key }) => key)).toEqual(['2024-01-18', '2024-01-17']);
  });
});

describe('search', () => {
  const found = (query: string): number => search([backup({ name: 'Before Lunch' })], query).length;

  it('finds names, frames, operations and code, every word of them', () => {
    for (const query of ['', 'lunch', 'df', 'DROP', 'columns="a"', 'lunch drop', '20240117']) {
      expect(found(query), query).toBe(1);
    }
    for (const query of ['dinner', 'lunch dinner']) {
      expect(found(query), query).toBe(0);
    }
  });
});
