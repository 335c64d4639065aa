import { describe, expect, it } from 'vitest';

import schema from '../../schema/plugin.json';
import { CommandIDs } from '../tokens';

describe('the schema', () => {
  const known = Object.values(CommandIDs) as string[];

  it('names commands that there are', () => {
    const used = [
      ...schema['jupyter.lab.shortcuts'],
      ...schema['jupyter.lab.toolbars'].Notebook,
      ...schema['jupyter.lab.menus'].main.flatMap(({ items }) => items)
    ].flatMap(item => ('command' in item ? [item.command] : []));
    for (const command of used) {
      expect(known).toContain(command);
    }
  });

  it('has shortcuts behind one key that is ours, so that none collides', () => {
    const keys = schema['jupyter.lab.shortcuts'].map(shortcut => shortcut.keys);
    expect(new Set(keys.map(([first]) => first))).toEqual(new Set(['Ctrl Alt B']));
    expect(new Set(keys.map(([, second]) => second)).size).toBe(keys.length);
  });
});
