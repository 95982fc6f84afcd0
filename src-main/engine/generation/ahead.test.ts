/** Replies whose next runs are started before their tokens are drawn are the same as without them. */
import { describe, expect, it } from 'vitest';
import { defaultGenerateParams } from '../api/defaults.ts';
import { EngineError } from '../api/errors.ts';
import type { GenerateParams, SamplingParams } from '../api/types.ts';
import { chosenToken } from '../test-support/choosing-executor.ts';
import {
  ScriptedEngine,
  SCRIPTED_EOS,
  SCRIPTED_MASKED,
  testPlatform,
  type Script,
} from '../test-support/scripted-model.ts';

const SIZE = 120;
const TOKENS = 40;
const VOCABULARY = Array.from({ length: SIZE }, (_, id) => (id < 3 ? ['<BOS>', '<EOS>', '<UNK>'][id] : ` w${id}`));

/** Pseudorandom logits that depend on the last two tokens. */
function logitsAfter(ids: readonly number[]): Float32Array {
  const last = 31 * (ids.at(-1) ?? 0) + 17 * (ids.at(-2) ?? 0);
  const logits = Float32Array.from({ length: SIZE }, (_, id) => 8 * Math.sin(1 + (last + 1) * (id + 7)));
  logits[SCRIPTED_EOS] = -20;
  logits[SCRIPTED_MASKED] = -20;
  return logits;
}

const highest = (logits: Float32Array) => chosenToken(logits, 'greedy');
const PLAIN: Script = { vocabulary: VOCABULARY, next: () => 0, logits: logitsAfter, contextSize: 100, best: 12 };
/** As a GPU chooses. */
const CHOOSING: Script = { ...PLAIN, choose: (ids) => highest(logitsAfter(ids)) };

function request(sampling: Partial<SamplingParams> = {}, change: Partial<GenerateParams> = {}): GenerateParams {
  const params = defaultGenerateParams({ kind: 'ids', ids: [0, 5, 9] });
  return {
    ...params,
    sampling: { ...params.sampling, topK: 8, temperature: 0, ...sampling },
    stop: { ...params.stop, maxTokens: TOKENS, repetitionWindow: 0 },
    topCandidates: 5,
    ...change,
  };
}

async function both(params: GenerateParams, script = CHOOSING, plain = PLAIN) {
  const engine = new ScriptedEngine(script, testPlatform());
  const [expected, found] = [await new ScriptedEngine(plain, testPlatform()).run(params), await engine.run(params)];
  expect(found.tokens.map(({ latencyMs: _, ...token }) => token)).toEqual(
    expected.tokens.map(({ latencyMs: _, ...token }) => token),
  );
  expect(found.end.stop).toEqual(expected.end.stop);
  expect(found.end.ids).toEqual(expected.end.ids);
  // The window has prompt and reply without its last token, as far as that was not run, and nothing else.
  const sequence = [0, 5, 9, ...found.end.ids];
  const { resident, sequences, free, cells } = engine.context.contents(sequence);
  expect(sequences).toEqual([resident]);
  expect(free).toBe(cells - resident);
  expect(resident).toBeGreaterThanOrEqual(sequence.length - 1);
  return { engine, ...found };
}

describe('runs ahead of the sampler', () => {
  it('compute every token but the first two of a greedy reply', async () => {
    const { engine } = await both(request());
    // The prompt, a token, 38 that were chosen before, and two that nobody drew.
    expect(engine.chosen).toBe(TOKENS);
    expect(engine.batches).toEqual([3, ...Array.from({ length: TOKENS + 1 }, () => 1)]);
    expect(engine.bestReads.every((read) => !read)).toBe(true);
  });

  it('are dropped at the end of the text', async () => {
    const ids = [0, 5, 9, ...(await new ScriptedEngine(PLAIN, testPlatform()).run(request())).end.ids];
    const ending = (before: readonly number[]) => {
      const logits = logitsAfter(before);
      if (before.length === 20 && before.every((id, i) => id === ids[i])) logits[SCRIPTED_EOS] = 20;
      return logits;
    };
    const choose = (before: readonly number[]) => highest(ending(before));
    const plain = { ...PLAIN, logits: ending };
    const { end, engine } = await both(request(), { ...plain, choose }, plain);
    expect(end.stop).toMatchObject({ reason: 'eos' });
    expect(end.ids).toHaveLength(17);
    expect(engine.chosen).toBeGreaterThan(10);
  });

  it('are dropped at a stop string, and a later reply continues from what is left', async () => {
    const params = request();
    const { end } = await both(params);
    const stopStrings = [VOCABULARY[end.ids[10]]];
    const stopping = { ...params, stop: { ...params.stop, stopStrings } };
    const { engine, end: stopped } = await both(stopping);
    expect(stopped.stop).toMatchObject({ reason: 'stop_string' });
    const again = await engine.run(params);
    expect(again.end.ids).toEqual(end.ids);
    expect(again.start.reusedTokens).toBeGreaterThan(0);
  });

  it('are dropped when they chose another token, and pause', async () => {
    const choose = (ids: readonly number[]) => (ids.length % 10 === 0 ? 7 : highest(logitsAfter(ids)));
    const { engine } = await both(request(), { ...CHOOSING, choose });
    expect(engine.chosen).toBeGreaterThan(5);
    expect(engine.chosen).toBeLessThan(TOKENS / 2);
  });

  it('are dropped when the best logits are not enough', async () => {
    const { engine } = await both(request({ topK: 0, samplers: ['top_p', 'temperature'], topP: 0.9 }));
    expect(engine.chosen).toBeLessThan(TOKENS / 4);
    // More candidates than are known, after all.
    await both(request({}, { topCandidates: 20 }));
  });

  it.each<[string, Partial<SamplingParams>]>([
    ['default settings', { temperature: 0.8, topK: 8 }],
    ['top-k and a temperature', { temperature: 1.5, samplers: ['top_k', 'temperature'] }],
    ['another order', { temperature: 1.2, topP: 0.8, minP: 0.1, samplers: ['top_k', 'temperature', 'min_p', 'top_p'] }],
  ])('draw with the same random numbers: %s', async (_name, sampling) => {
    const choose: Script['choose'] = (ids, how) => chosenToken(logitsAfter(ids), how);
    const { engine } = await both(request(sampling), { ...PLAIN, choose });
    expect(engine.chosen).toBe(TOKENS);
  });

  it.each<[string, Partial<SamplingParams>]>([
    ['penalties', { repeatPenalty: 1.2, penaltyLastN: 3 }],
    ['a logit bias', { logitBias: [[7, 1]] }],
    ['banned texts', { bannedTexts: ['w11'] }],
    ['mirostat', { mirostat: 2 }],
    ['XTC', { xtcProbability: 0.5 }],
  ])('are not started with %s', async (_name, sampling) => {
    const { engine } = await both(request(sampling));
    expect(engine.chosen).toBe(0);
  });

  it('are not started without the KV cache', async () => {
    const engine = new ScriptedEngine(CHOOSING, testPlatform());
    await engine.run(request({}, { useKvCache: false }));
    expect(engine.chosen).toBe(0);
  });

  it('leave no token in the window whose run failed', async () => {
    let runs = 0;
    const onRun = () => {
      if (++runs === 7) throw new EngineError('INTERNAL', 'The GPU has a fault.');
    };
    const engine = new ScriptedEngine({ ...CHOOSING, onRun }, testPlatform());
    const { end } = await engine.run(request());
    expect(end.stop).toMatchObject({ reason: 'error', tokens: 6 });
    const { resident, sequences } = engine.context.contents([0, 5, 9, ...end.ids]);
    expect(resident).toBe(3 + 5);
    expect(sequences).toEqual([resident]);
  });

  it('do not disturb later replies when the caller leaves early', async () => {
    const params = request();
    const { end } = await both(params);
    const engine = new ScriptedEngine(CHOOSING, testPlatform());
    let events = 0;
    for await (const event of engine.events(params)) if (event.type === 'token' && ++events === 5) break;
    expect((await engine.run(params)).end.ids).toEqual(end.ids);
  });

  it('end with a full window, and when they are cancelled', async () => {
    const stop = { ...request().stop, maxTokens: 1000 };
    const { end } = await both(request({}, { stop }));
    expect(end.stop).toMatchObject({ reason: 'context_full' });

    const cancel = { cancelled: false };
    let runs = 0;
    const onRun = () => void (cancel.cancelled = ++runs > 12);
    const engine = new ScriptedEngine({ ...CHOOSING, onRun }, testPlatform());
    const stopped = await engine.run(request(), cancel);
    expect(stopped.end.stop).toMatchObject({ reason: 'user' });
    const sequence = [0, 5, 9, ...stopped.end.ids];
    expect(engine.context.contents(sequence).sequences).toEqual([engine.context.contents(sequence).resident]);
  });
});
