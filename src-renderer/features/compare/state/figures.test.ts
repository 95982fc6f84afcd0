import { describe, expect, it } from 'vitest';
import { distinctN, meanSurprisal, perplexity } from '../../../../src-main/protocol/engine/reply-metrics.ts';
import { REPLY_FACTS, token } from '../../chat/test-support/fakes.ts';
import { Reply } from '../../chat/state/reply.svelte.ts';
import { figuresOf, spreadOf, spreads } from './figures.ts';

function reply(ids: readonly number[], probability: number): Reply {
  const one = new Reply({ id: crypto.randomUUID(), parent: null, createdAt: '', facts: REPLY_FACTS });
  one.append(ids.map((id, index) => token(index, { id, logprob: Math.log(probability) })));
  return one;
}

describe('figuresOf', () => {
  it('describes a reply by its own tokens', () => {
    const figures = figuresOf(reply([1, 2, 1, 2], 0.25));
    expect(figures).toMatchObject({ tokens: 4, distinct1: 0.5, distinct2: 2 / 3 });
    expect(figures.perplexity).toBeCloseTo(4, 10);
    expect(figures.surprisal).toBeCloseTo(2, 10);
    // 2 ms each, without the first.
    expect(figures.rate).toBeCloseTo(500, 6);
  });
  it('follows a reply that grows', () => {
    const growing = reply([], 1);
    for (let at = 0; at < 12; at += 3) {
      growing.append([0, 1, 2].map((offset) => token(at + offset, { id: (at + offset) % 5, logprob: -(at + offset) })));
      const { ids, logprobs } = growing.columns;
      expect(figuresOf(growing)).toMatchObject({
        tokens: at + 3,
        perplexity: perplexity(logprobs),
        surprisal: meanSurprisal(logprobs),
        distinct1: distinctN(ids, 1),
        distinct2: distinctN(ids, 2),
      });
    }
  });
  it('leaves out what an empty reply has not', () => {
    expect(figuresOf(reply([], 1))).toMatchObject({ tokens: 0, rate: null, perplexity: null, distinct1: null });
  });
});

describe('spreads', () => {
  it('gives mean and range over samples', () => {
    expect(spreadOf([2, null, 4])).toEqual({ mean: 3, least: 2, greatest: 4, count: 2 });
    expect(spreadOf([null])).toBeNull();
    const { tokens, perplexity } = spreads([reply([1], 0.5), reply([1, 2, 3], 0.25)].map(figuresOf));
    expect(tokens).toMatchObject({ mean: 2, least: 1, greatest: 3 });
    expect(perplexity?.mean).toBeCloseTo(3, 10);
  });
});
