import { beforeEach, expect, it, vi } from 'vitest';
import type { TokenColours } from '../../../../src-main/protocol/app/app-services.ts';
import { end, start, token, tokens } from '../test-support/fakes.ts';
import { openSession } from '../test-support/session.ts';
import { ReplyTint } from './reply-tint.svelte.ts';

let opened: Awaited<ReturnType<typeof openSession>>;
let scored: number;

beforeEach(async () => {
  opened = await openSession();
  scored = 0;
  opened.api.answers.score = () => {
    scored++;
    return { ids: [], logprobs: [], ranks: [1, 12], entropies: [2 * Math.LN2, 0, 0], top: [], perplexity: 1 };
  };
  const doubtful = { type: 'token', token: token(1, { logprob: Math.log(0.05) }) } as const;
  opened.api.scripts = [[start(), ...tokens(1), doubtful, end(2)]];
  await opened.session.send('Once');
});

const reply = () => opened.chats.current.lastReply!;
const recomputed = () => opened.session.recomputedOf(reply());

function tintBy(by: TokenColours['by'], change: { asTokens?: boolean; busy?: boolean } = {}): ReplyTint {
  const colours = { by, doubtBelow: 0.5 };
  return new ReplyTint({ reply: reply(), asTokens: true, busy: false, recomputed: recomputed(), colours, ...change });
}

const tints = ({ tintOf }: ReplyTint) =>
  Array.from({ length: reply().count }, (_, index) => {
    const tint = tintOf(index, reply().token(index).logprob);
    return tint === null ? null : `${tint.scale}-${tint.step}`;
  });

it('colours tokens by their own probability, and asks for nothing', () => {
  const tint = tintBy('probability');
  expect(tints(tint)).toEqual(['prob-5', 'prob-0']);
  expect(tint.basis).toBeNull();
  expect(tint.score()).toBeUndefined();
});

it('computes what the colours need, and says so', async () => {
  expect(tintBy('entropy').basis).toBe('Recomputing entropy…');
  expect(tints(tintBy('entropy'))).toEqual([null, null]);
  tintBy('entropy').score();
  await vi.waitFor(() => expect(tintBy('entropy').basis).toBe('Entropy recomputed'));
  expect(tints(tintBy('entropy'))).toEqual(['surp-2', 'surp-0']);
  expect(scored).toBe(1);
});

it('computes nothing for plain text, nor while the engine is busy', () => {
  expect(tintBy('entropy', { asTokens: false }).score()).toBeUndefined();
  expect(tintBy('entropy', { busy: true }).score()).toBeUndefined();
  expect(tintBy('entropy', { asTokens: false }).basis).toBeNull();
  expect(tintBy('entropy', { busy: true }).basis).toBe('Entropy will be recomputed after the reply');
  expect(scored).toBe(0);
});

it('has no tint for text that no model generated', async () => {
  await opened.session.turns.saveReply(reply(), 't0 by hand', false);
  expect(tints(tintBy('probability'))).toEqual(['prob-5', null]);
});
