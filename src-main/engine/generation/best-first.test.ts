/** Replies from the best logits are the same as from all. */
import { describe, expect, it } from 'vitest';
import { defaultGenerateParams } from '../api/defaults.ts';
import type { GenerateParams, SamplingParams } from '../api/types.ts';
import { ScriptedEngine, testPlatform, type Script } from '../test-support/scripted-model.ts';

const SIZE = 120;
const KNOWN = 12;
const TOKENS = 40;
const VOCABULARY = Array.from({ length: SIZE }, (_, id) => (id < 3 ? ['<BOS>', '<EOS>', '<UNK>'][id] : ` w${id}`));
/** Pseudorandom logits that depend on the last two tokens. */
const SCRIPT: Script = {
  vocabulary: VOCABULARY,
  next: () => 0,
  logits: (ids) => {
    const last = 31 * (ids.at(-1) ?? 0) + 17 * (ids.at(-2) ?? 0);
    const logits = Float32Array.from({ length: SIZE }, (_, id) => 8 * Math.sin(1 + (last + 1) * (id + 7)));
    logits[1] = -20;
    return logits;
  },
  contextSize: 100,
};

async function both(sampling: Partial<SamplingParams>, change: Partial<GenerateParams> = {}) {
  const defaults = defaultGenerateParams({ kind: 'ids', ids: [0, 5, 9] });
  const params = {
    ...defaults,
    sampling: { ...defaults.sampling, topK: 8, ...sampling },
    stop: { ...defaults.stop, maxTokens: TOKENS, repetitionWindow: 0 },
    topCandidates: 5,
    ...change,
  };
  const engine = new ScriptedEngine({ ...SCRIPT, best: KNOWN }, testPlatform());
  const [expected, found] = [await new ScriptedEngine(SCRIPT, testPlatform()).run(params), await engine.run(params)];
  expect(found.tokens).toEqual(expected.tokens);
  expect(found.end.stop).toEqual(expected.end.stop);
  expect(found.end.ids.length).toBeGreaterThan(5);
  const { bestReads } = engine;
  return { tokens: engine.batches.length, best: bestReads.length, others: bestReads.filter((read) => read).length };
}

const GRAMMAR = { kind: 'gbnf', source: 'root ::= (" w1" [0-9]+)+' } as const;

describe('a reply from the best logits', () => {
  it.each<[string, Partial<SamplingParams>, Partial<GenerateParams>?]>([
    ['default settings', {}],
    ['greedy', { temperature: 0 }],
    ['penalties', { repeatPenalty: 1.2, penaltyLastN: 3 }],
    ['min-p alone', { samplers: ['min_p'], minP: 0.97 }],
    ['no candidates', {}, { topCandidates: 0 }],
    ['XTC', { xtcProbability: 0.5 }],
    ['adaptive-p', { adaptiveTarget: 0.4 }],
  ])('with %s reads no others', async (_name, sampling, change) => {
    expect(await both(sampling, change)).toEqual({ tokens: TOKENS, best: TOKENS, others: 0 });
  });

  it.each<[string, Partial<SamplingParams>]>([
    ['all tokens', { samplers: ['temperature'] }],
    ['top-p first', { samplers: ['top_p', 'temperature'], topP: 0.9 }],
    ['mirostat', { mirostat: 1 }],
    ['a grammar', { grammar: GRAMMAR }],
    ['XTC before top-k', { samplers: ['xtc', 'top_k'], xtcProbability: 1 }],
    ['a large top-k', { topK: KNOWN + 1 }],
  ])('with %s reads all, and tries the best only once in a while', async (_name, sampling) => {
    // The first, and one after sixteen that read all at once.
    const { best, others } = await both(sampling);
    expect(best).toBe(3);
    expect(others).toBe(3);
  });

  it('may change from token to token', async () => {
    // Tokens of the history are made more likely, wherever they are.
    const { best, others } = await both({ repeatPenalty: 0.9, penaltyLastN: 1 });
    expect(others).toBeGreaterThan(0);
    expect(best).toBeLessThan(TOKENS);
  });

  it('avoids banned texts', async () => {
    const { others } = await both({ bannedTexts: ['w11', 'w2'], topK: 2 });
    expect(others).toBe(0);
  });

  it('may begin with a given token that is unlikely', async () => {
    const { others } = await both({}, { firstToken: 77 });
    expect(others).toBeLessThanOrEqual(1);
  });

  it('may use several rows of a run', async () => {
    const params = defaultGenerateParams({ kind: 'ids', ids: [0, 5, 9] });
    params.stop.maxTokens = 20;
    params.sampling.temperature = 0;
    const plain = await new ScriptedEngine(SCRIPT, testPlatform()).run(params);
    const sequence = [0, 5, 9, ...plain.end.ids];
    const drafter = { draft: (ids: readonly number[], most: number) => sequence.slice(ids.length).slice(0, most) };
    const engine = new ScriptedEngine({ ...SCRIPT, best: KNOWN }, testPlatform(), drafter);
    expect((await engine.run(params)).tokens).toEqual(plain.tokens);
    expect(engine.batches.some((rows) => rows > 1)).toBe(true);
  });
});
