import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ChunkBatcher } from './chunk-batcher.ts';

describe('ChunkBatcher', () => {
  let now = 0;
  let sent: unknown[][] = [];
  const batcher = (credit: number, flushMs = 16, maxWaiting = 1000) =>
    new ChunkBatcher((events) => sent.push(events), { credit, flushMs, maxWaiting, now: () => now });
  const token = (index: number) => ({ type: 'token', index });

  beforeEach(() => {
    vi.useFakeTimers();
    now = 0;
    sent = [];
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('sends the first event of each kind at once', () => {
    const b = batcher(10);
    b.push({ type: 'start' });
    b.push(token(0));
    expect(sent).toEqual([[{ type: 'start' }], [token(0)]]);
  });

  it('sends the first two tokens together, if the second is what is waited for', () => {
    const b = new ChunkBatcher((events) => sent.push(events), { credit: 10, flushMs: 16, firstTokens: 2, now: () => now }); // prettier-ignore
    b.push({ type: 'start' });
    now = 40;
    for (let i = 0; i < 3; i++, now += 3) b.push(token(i));
    expect(sent).toEqual([[{ type: 'start' }], [token(0), token(1)]]);
    vi.advanceTimersByTime(16);
    expect(sent.slice(2)).toEqual([[token(2)]]);
  });

  it('sends a first token alone if the second is late, or the end comes', () => {
    const options = { credit: 10, flushMs: 16, firstTokens: 2, now: () => now };
    const late = new ChunkBatcher((events) => sent.push(events), options);
    late.push(token(0));
    vi.advanceTimersByTime(15);
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(sent).toEqual([[token(0)]]);
    const short = new ChunkBatcher((events) => sent.push(events), options);
    short.push(token(0));
    short.push({ type: 'end' });
    expect(sent.slice(1)).toEqual([[token(0), { type: 'end' }]]);
  });

  it('flushes when 16 ms would pass before the next event, including the current token, without a timer', () => {
    const b = batcher(10);
    b.push(token(0));
    now = 6;
    b.push(token(1));
    now = 12;
    b.push(token(2));
    expect(sent).toEqual([[token(0)], [token(1), token(2)]]);
  });

  it('sends the tail by a timer', () => {
    const b = batcher(10);
    b.push(token(0));
    now = 4;
    b.push(token(1));
    vi.advanceTimersByTime(11);
    expect(sent).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sent).toEqual([[token(0)], [token(1)]]);
  });

  it('sends the end at once, with the waiting events', () => {
    const b = batcher(10);
    const done = vi.fn();
    b.push(token(0));
    b.push(token(1));
    b.push({ type: 'end' });
    b.finish(done);
    expect(sent).toEqual([[token(0)], [token(1), { type: 'end' }]]);
    expect(done).toHaveBeenCalledOnce();
    // Not all timers: one of another file of this process may repeat for ever.
    vi.advanceTimersByTime(1000);
    expect(sent).toHaveLength(2);
  });

  it('sends no more chunks than there is credit and coalesces waiting events', () => {
    const b = batcher(2);
    const done = vi.fn();
    for (let i = 0; i < 100; i++, now += 20) b.push(token(i));
    b.finish(done);
    expect(sent).toHaveLength(2);
    expect(done).not.toHaveBeenCalled();
    b.addCredit(1);
    expect(sent).toHaveLength(3);
    expect(sent.flat()).toEqual(Array.from({ length: 100 }, (_, i) => token(i)));
    expect(done).toHaveBeenCalledOnce();
  });

  it('ends without credit when nothing waits', () => {
    const b = batcher(1);
    const done = vi.fn();
    b.push(token(0));
    b.finish(done);
    expect(done).toHaveBeenCalledOnce();
  });

  it('sends each event at once when batching is off', () => {
    const b = batcher(100, 0);
    for (let i = 0; i < 5; i++) b.push(token(i));
    expect(sent).toHaveLength(5);
  });

  it.each([
    [0.5, 20],
    [3, 3],
    [4, 2],
    [6, 1],
    [40, 1],
  ])('delays nothing longer than 10 ms when an event comes every %d ms and timers do not fire', (ms, most) => {
    const b = batcher(1000, 10);
    const cameAt: number[] = [];
    const delays: number[] = [];
    const seen = () => {
      const known = delays.length;
      for (const at of cameAt.slice(known, sent.flat().length)) delays.push(now - at);
    };
    for (let i = 0; i < 200; i++, now += ms) {
      cameAt.push(now);
      b.push(token(i));
      seen();
    }
    expect(delays.length).toBeGreaterThan(200 - most);
    expect(Math.max(...delays)).toBeLessThanOrEqual(10);
    expect(Math.max(...sent.map((events) => events.length))).toBeLessThanOrEqual(most);
    expect(sent[1]).toHaveLength(most);
  });

  it('looks ahead and still sends the tail by a timer', () => {
    const b = batcher(10, 10);
    b.push(token(0));
    now = 2;
    b.push(token(1));
    expect(sent).toEqual([[token(0)]]);
    vi.advanceTimersByTime(8);
    expect(sent).toEqual([[token(0)], [token(1)]]);
  });

  it('makes the producer wait while too much waits for credit, until there is space or the stream is cancelled', async () => {
    const b = batcher(1, 16, 3);
    for (let i = 0; i < 3; i++) {
      b.push(token(i));
      expect(b.room()).toBeNull();
    }
    expect(sent).toEqual([[token(0)]]);
    b.push(token(3));
    const room = b.room();
    let hasRoom = false;
    void room?.then(() => (hasRoom = true));
    await vi.advanceTimersByTimeAsync(1000);
    expect(hasRoom).toBe(false);
    b.addCredit(1);
    await room;
    expect(hasRoom).toBe(true);
    expect(sent).toEqual([[token(0)], [token(1), token(2), token(3)]]);
    for (let i = 4; i < 7; i++) b.push(token(i));
    const never = b.room();
    expect(never).not.toBeNull();
    b.stopWaiting();
    await never;
    b.push(token(7));
    expect(b.room()).toBeNull();
  });
});
