import { describe, expect, it } from 'vitest';
import { noTokens } from '../../../../src-main/protocol/app/chats/token-columns.ts';
import { divergesAt } from '../../../../src-main/protocol/engine/reply-metrics.ts';
import { Divergence, earliest, type ComparedReply } from './divergence.ts';

/** A reply that grows. */
class Growing implements ComparedReply {
  readonly columns = noTokens();
  running = true;
  get count(): number {
    return this.columns.ids.length;
  }
  add(...ids: number[]): this {
    this.columns.ids.push(...ids);
    return this;
  }
  end(): this {
    this.running = false;
    return this;
  }
}

describe('Divergence', () => {
  it('finds the first difference while both grow', () => {
    const [first, other] = [new Growing(), new Growing()];
    const divergence = new Divergence();
    expect(divergence.of(first, other)).toEqual({ shared: 0, at: null });
    first.add(1, 2);
    other.add(1);
    expect(divergence.of(first, other)).toEqual({ shared: 1, at: null });
    other.add(2, 4);
    expect(divergence.of(first, other)).toEqual({ shared: 2, at: null });
    first.add(3);
    expect(divergence.of(first, other)).toEqual({ shared: 2, at: 2 });
  });

  it('says that one that has ended differs only where the other goes on', () => {
    const divergence = new Divergence();
    const first = new Growing().add(1, 2).end();
    const other = new Growing().add(1);
    expect(divergence.of(first, other).at).toBeNull();
    other.add(2);
    expect(divergence.of(first, other)).toEqual({ shared: 2, at: null });
    expect(divergence.of(first, other.add(3))).toEqual({ shared: 2, at: 2 });
    expect(new Divergence().of(other, first)).toEqual({ shared: 2, at: 2 });
  });

  it('returns the same object while nothing changes', () => {
    const [first, other] = [new Growing().add(1, 2), new Growing().add(1, 3)];
    const divergence = new Divergence();
    const before = divergence.of(first, other);
    expect(divergence.of(first.add(4), other.add(4).end())).toBe(before);
    expect(divergence.of(first, new Growing().add(7))).not.toBe(before);
  });

  it('starts anew with another reply', () => {
    const divergence = new Divergence();
    const first = new Growing().add(1, 2, 3);
    divergence.of(first, new Growing().add(1, 2));
    expect(divergence.of(first, new Growing().add(9))).toEqual({ shared: 0, at: 0 });
  });

  it('is that of finished replies', () => {
    let random = 7;
    const next = (below: number) => (random = (random * 48271) % 2147483647) % below;
    for (let trial = 0; trial < 200; trial++) {
      const replies = [0, 1].map(() => {
        const reply = new Growing();
        for (let left = next(6); left > 0; left--) reply.add(next(2));
        return reply.end();
      });
      const [first, other] = replies;
      expect(new Divergence().of(first, other).at).toBe(divergesAt(first.columns.ids, other.columns.ids));
    }
  });
});

describe('earliest', () => {
  it('is where the first of them differs', () => {
    expect(
      earliest([
        { shared: 5, at: 5 },
        { shared: 3, at: null },
        { shared: 4, at: 4 },
      ]),
    ).toEqual({ shared: 3, at: 4 });
    expect(earliest([{ shared: 2, at: null }])).toEqual({ shared: 2, at: null });
  });
});
