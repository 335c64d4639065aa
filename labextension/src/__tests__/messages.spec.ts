import { describe, expect, it } from 'vitest';

import messages from '../../../tests/protocol/messages.json';
import {
  hello,
  isWaiting,
  METHODS,
  PROTOCOL,
  readAnswer,
  readEvent,
  request,
  type Method
} from '../protocol';
import { backup, status } from './fakes';

/** Check that something the kernel says has every field that we know, of the type that we know. */
function expectLike(said: unknown, known: object): void {
  for (const [key, value] of Object.entries(known)) {
    const found = (said as Record<string, unknown>)[key];
    expect(found, key).toBeDefined();
    if (value !== null && found !== null) {
      expect(typeof found, key).toBe(typeof value);
      expect(Array.isArray(found), key).toBe(Array.isArray(value));
    }
  }
}

const results = Object.fromEntries(
  Object.entries(messages.requests).map(([method, { result }]) => [method, result])
) as Record<Method, unknown>;

describe('what both sides agree on', () => {
  it('are the methods', () => {
    expect(Object.keys(messages.requests).sort()).toEqual(Object.keys(METHODS).sort());
    expect(hello()).toEqual({ protocol: messages.state.protocol });
  });

  it('are the questions', () => {
    for (const [method, { params }] of Object.entries(messages.requests)) {
      const asked = request(method as Method, params as never);
      expect(asked).toEqual({ protocol: PROTOCOL, method, params });
    }
  });

  it('are the events', () => {
    const event = readEvent(messages.state);
    expect(event).toEqual(messages.state);
    expectLike(messages.state.status, status());
    for (const listed of messages.state.backups) {
      expectLike(listed, backup());
      listed.frames.forEach(frame => expectLike(frame, backup().frames[0]!));
      listed.provenance.operations.forEach(found =>
        expectLike(found, backup().provenance.operations[0]!)
      );
    }
    expect(readEvent(messages.progress)).toEqual(messages.progress);
    expect(isWaiting(messages.waiting)).toBe(true);
    expect(isWaiting({})).toBe(false);
  });

  it('are the answers', () => {
    expect(readAnswer(messages.refusal)).toEqual(messages.refusal);
    const restored = {
      action: '',
      backup: null,
      restored: [],
      untouched: [],
      removed: [],
      state: [],
      safety: null,
      warnings: [],
      dry_run: false
    };
    const stats = {
      store: '',
      backups: {},
      notebooks: {},
      session_backups: 0,
      oldest: null,
      newest: null,
      bytes_raw: 0,
      bytes_on_disk: 0,
      bytes_free: 0
    };
    const known: Record<Method, object> = {
      status: status(),
      auto: status(),
      list: [backup()],
      delete: [backup()],
      show: { backup: backup(), html: '' },
      quick: backup(),
      create: backup(),
      rename: backup(),
      pin: backup(),
      recover: restored,
      undo: restored,
      redo: restored,
      restore: restored,
      preview: { restored, html: '' },
      diff: { html: '', diff: {} },
      export: { file: '' },
      stats,
      verify: { ok: true, checked: 0, damage: [] }
    };
    for (const [method, shape] of Object.entries(known)) {
      expectLike(results[method as Method], shape);
    }
    (results.list as unknown[]).forEach(listed => expectLike(listed, backup()));
    expectLike((results.preview as { restored: unknown }).restored, restored);
  });
});
