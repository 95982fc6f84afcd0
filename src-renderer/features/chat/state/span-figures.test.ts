import { expect, it } from 'vitest';
import { NO_TOKEN } from '../../../../src-main/protocol/app/chats/chat.ts';
import { REPLY_FACTS, token } from '../test-support/fakes.ts';
import { Reply } from './reply.svelte.ts';
import { spanFigures } from './span-figures.ts';

const reply = new Reply({ id: 'r', parent: null, createdAt: '', facts: REPLY_FACTS });
const PROBABILITIES = [0.5, 0.25, 1, 0.125];
reply.append(PROBABILITIES.map((probability, at) => token(at, { logprob: Math.log(probability) })));
reply.append([token(4, { id: NO_TOKEN, logprob: 0 })]);

it('sums the surprisal of a span and compares it with the reply', () => {
  const figures = spanFigures(reply, 1, 4);
  expect(figures).toMatchObject({ tokens: 3, ofTokens: 5 });
  // 2 + 0 + 3 of 6 bits.
  expect(figures.bits).toBeCloseTo(5, 12);
  expect(figures.share).toBeCloseTo(5 / 6, 12);
  expect(figures.perplexity).toBeCloseTo(2 ** (5 / 3), 12);
});

it('leaves out text that no model generated', () => {
  expect(spanFigures(reply, 3, 5).perplexity).toBeCloseTo(8, 12);
  expect(spanFigures(reply, 4, 5)).toMatchObject({ perplexity: null, bits: 0, share: 0 });
});
