import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { backup } from '../../__tests__/fakes';
import type { Restored } from '../../protocol';
import { ResultWidget } from '../html';
import { RestoreBody } from '../restore';

const trans = nullTranslator.load('dfbackup_jupyter');
const WOULD: Restored = {
  action: 'would restore',
  backup: null,
  restored: ['df'],
  untouched: ['other'],
  removed: [],
  state: [],
  safety: null,
  warnings: [],
  dry_run: true
};

function body(...names: string[]): RestoreBody {
  const [frame] = backup().frames;
  const frames = names.map(name => ({ ...frame!, name }));
  const shown = new RestoreBody(backup({ frames }), WOULD, '<p>the difference</p>', trans);
  document.body.append(shown.node);
  return shown;
}

function boxes(of: RestoreBody): HTMLInputElement[] {
  return [...of.node.querySelectorAll<HTMLInputElement>('input[type=checkbox]')];
}

describe('RestoreBody', () => {
  it('says what would happen, and wishes for all of it', () => {
    const shown = body('df', 'other');
    expect(shown.node.textContent).toContain('Brought backdf');
    expect(shown.node.textContent).toContain('the difference');
    expect(shown.getValue()).toEqual({});
  });

  it('takes chosen frames only', () => {
    const shown = body('df', 'other');
    boxes(shown)[1]!.click();
    expect(shown.getValue()).toEqual({ only: ['df'] });
  });

  it('takes one frame under another name', () => {
    const shown = body('df', 'other');
    const name = shown.node.querySelector<HTMLInputElement>('input[type=text]')!;
    expect(name.disabled).toBe(true);
    boxes(shown)[1]!.click();
    expect(name.disabled).toBe(false);
    name.value = ' df_old ';
    expect(shown.getValue()).toEqual({ only: ['df'], as_name: 'df_old' });
  });

  it('takes frames away only with a whole restore', () => {
    const shown = body('df', 'other');
    boxes(shown)[2]!.click();
    expect(shown.getValue()).toEqual({ exact: true });
    boxes(shown)[0]!.click();
    expect(shown.getValue()).toEqual({ only: ['other'] });
  });
});

describe('ResultWidget', () => {
  it('keeps tables and classes, and nothing that runs', () => {
    const { node } = new ResultWidget(
      '<style>p{}</style><div class="dfbackup"><table class="dfb-table"><tr class="dfb-row">' +
        '<td class="dfb-right">1</td></tr></table><details><summary>more</summary></details>' +
        '<img src=x onerror=alert(1)><script>alert(1)</script></div>'
    );
    expect(node.querySelector('.dfbackup .dfb-table .dfb-row .dfb-right')?.textContent).toBe('1');
    expect(node.querySelector('details > summary')?.textContent).toBe('more');
    expect(node.querySelector('script')).toBeNull();
    expect(node.innerHTML).not.toContain('onerror');
    expect(node.textContent).not.toContain('p{}');
  });
});
