import { describe, expect, it } from 'vitest';

import { PROTOCOL, readAnswer, readEvent, request, speaksOther } from '../protocol';
import { state } from './fakes';

describe('the protocol', () => {
  it('asks with its version', () => {
    expect(request('rename', { id: 'a', name: 'b' })).toEqual({
      protocol: PROTOCOL,
      method: 'rename',
      params: { id: 'a', name: 'b' }
    });
  });

  it('takes no event that it does not understand', () => {
    for (const data of [
      undefined,
      null,
      'state',
      [],
      {},
      { type: 'new' },
      { type: 'progress' },
      { ...state(), status: null },
      { ...state(), backups: {} },
      { ...state(), protocol: 99 }
    ]) {
      expect(readEvent(data as never)).toBeNull();
    }
    expect(speaksOther({ ...state(), protocol: 99 })).toBe(true);
    expect(speaksOther(state())).toBe(false);
  });

  it('knows an answer from silence', () => {
    expect(readAnswer({})).toBeNull();
    expect(readAnswer(undefined)).toBeNull();
    expect(readAnswer({ ok: true, result: 1 })).toEqual({ ok: true, result: 1 });
  });
});
