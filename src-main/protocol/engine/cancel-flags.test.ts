import { describe, expect, it } from 'vitest';
import { CancelFlags, RequestCancelToken } from './cancel-flags.ts';

describe('CancelFlags', () => {
  it('reaches every holder of the same memory', () => {
    const memory = CancelFlags.allocate();
    const link = new CancelFlags(memory);
    const token = new RequestCancelToken(7, new CancelFlags(memory));
    expect(token.cancelled).toBe(false);
    link.cancel(7);
    expect(token.cancelled).toBe(true);
  });

  it('cancels one request only', () => {
    const flags = new CancelFlags();
    for (let id = 1; id <= 64; id++) if (id % 3 === 0) flags.cancel(id);
    for (let id = 1; id <= 64; id++) expect(flags.isCancelled(id)).toBe(id % 3 === 0);
  });

  it('does not carry a cancel over to a later request in the same slot', () => {
    const flags = new CancelFlags();
    flags.cancel(5);
    expect(flags.isCancelled(5 + 64)).toBe(false);
  });

  it('keeps a cancel that was seen when the slot is reused', () => {
    const flags = new CancelFlags();
    const token = new RequestCancelToken(5, flags);
    flags.cancel(5);
    expect(token.cancelled).toBe(true);
    flags.cancel(5 + 64);
    expect(token.cancelled).toBe(true);
  });

  it('reports a cancel that arrives as a message to current listeners only', () => {
    const token = new RequestCancelToken(1, null);
    const heard: string[] = [];
    const stopListening = token.onCancel(() => heard.push('a'));
    token.onCancel(() => heard.push('b'));
    stopListening();
    token.cancel();
    expect(heard).toEqual(['b']);
  });

  it('works without shared memory, by message', () => {
    const token = new RequestCancelToken(1, null);
    token.cancel();
    expect(token.cancelled).toBe(true);
  });
});
