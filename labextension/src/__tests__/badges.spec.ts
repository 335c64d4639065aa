import { describe, expect, it } from 'vitest';

import { backupOf } from '../badges';
import { backup } from './fakes';

const CELL = 'df = df.drop(columns="a")';

describe('backupOf', () => {
  it('is the one that was made before the cell as it stands', () => {
    expect(backupOf([backup()], CELL, 3)).toEqual(backup());
    expect(backupOf([backup()], `${CELL}\n`, 3)).toEqual(backup());
  });

  it('is none for a cell that was edited, has not run, or ran as another', () => {
    expect(backupOf([backup()], 'df = df.dropna()', 3)).toBeUndefined();
    expect(backupOf([backup()], CELL, null)).toBeUndefined();
    expect(backupOf([backup()], CELL, 4)).toBeUndefined();
  });

  it('is none that somebody made by hand', () => {
    expect(backupOf([backup({ kind: 'manual' })], CELL, 3)).toBeUndefined();
  });
});
