/** Replies of the built-in model against PyTorch's (`fixtures/golden.json`), and properties of any real model. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { defaultGenerateParams } from '../api/defaults.ts';
import type { InferenceEngine } from '../index.ts';
import { SLOWEST_MACHINE } from '../test-support/cpu-time.ts';
import { kernelPlatform, nodePlatform, RANDOM_SEED, reply, tinyEngine } from '../test-support/tiny-engine.ts';
import type { GenerateParams, PromptInput, SamplingParams, StopParams } from '../api/types.ts';

interface Golden {
  prompts: { text: string; ids: number[]; greedy_ids: number[]; greedy_text: string; greedy_stop: string }[];
  full_window: { ids: number[] };
}
const golden = JSON.parse(readFileSync(new URL('../fixtures/golden.json', import.meta.url), 'utf8')) as Golden;
const windowIds = golden.full_window.ids;

const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
/** Tests with many replies run on the kernels, and in the full run on the reference executor too. */
const PLATFORMS = [
  { executor: 'wasm', platform: kernelPlatform },
  ...(isFull ? [{ executor: 'reference', platform: nodePlatform }] : []),
];

/** On the reference executor. */
let engine: InferenceEngine;
/** Without prefix reuse: recomputes the whole sequence for every token. */
let fresh: InferenceEngine;
beforeAll(async () => {
  engine = await tinyEngine();
  fresh = await tinyEngine();
});

function greedy(prompt: PromptInput | string, stop: Partial<StopParams> = {}): GenerateParams {
  const params = sampled(prompt, { temperature: 0 }, stop);
  return { ...params, stop: { ...params.stop, repetitionWindow: 0, ...stop } };
}

function sampled(
  prompt: PromptInput | string,
  sampling: Partial<SamplingParams>,
  stop: Partial<StopParams> = {},
): GenerateParams {
  const params = defaultGenerateParams(typeof prompt === 'string' ? { kind: 'text', text: prompt } : prompt);
  return { ...params, sampling: { ...params.sampling, ...sampling }, stop: { ...params.stop, ...stop } };
}

/** Without the cache, the whole sequence is computed for every token: only of one reply outside of the full run. */
const withoutCache = isFull ? golden.prompts : golden.prompts.slice(0, 1);

describe.each(golden.prompts)('greedy reply to "$text"', (g) => {
  it.each(withoutCache.includes(g) ? [true, false] : [true])('equals PyTorch, KV cache %s', async (useKvCache) => {
    const { start, tokens, end } = await reply(engine, { ...greedy(g.text, { maxTokens: 60 }), useKvCache });
    expect(start.promptIds).toEqual(g.ids);
    expect(end.ids).toEqual(g.greedy_ids);
    expect(end.text).toBe(g.greedy_text);
    expect(end.stop.reason).toBe(g.greedy_stop);
    expect(tokens.map(({ text }) => text).join('')).toBe(end.text);
    expect(tokens.every(({ rank, sampledProbability }) => rank === 1 && sampledProbability === 1)).toBe(true);
  });
});

describe('the window of 1000 tokens', () => {
  const ids = (count: number): PromptInput => ({ kind: 'ids', ids: windowIds.slice(0, count) });

  it('generates one token after 999, and none after 1000', async () => {
    expect((await reply(engine, greedy(ids(999)))).end).toMatchObject({
      contextUsed: 1000,
      stop: { reason: 'context_full' },
    });
    const { tokens, end } = await reply(engine, greedy(ids(1000)));
    expect(tokens).toEqual([]);
    expect(end).toMatchObject({ ids: [], text: '', contextUsed: 1000, stop: { reason: 'context_full' } });
  });

  it('refuses 1001 with both numbers', async () => {
    await expect(reply(engine, greedy({ kind: 'ids', ids: [...windowIds, 5] }))).rejects.toMatchObject({
      code: 'CONTEXT_FULL',
      message: expect.stringMatching(/1001.*1000/),
      details: { promptTokens: 1001, contextSize: 1000 },
    });
  });

  it('refuses a megabyte of text quickly', async () => {
    const before = process.cpuUsage();
    const text = 'The cat sat on the mat. '.repeat(45_000);
    await expect(reply(engine, greedy(text))).rejects.toMatchObject({ code: 'CONTEXT_FULL' });
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(2000 * SLOWEST_MACHINE);
  });
});

describe('KV cache', () => {
  it('reuses a continued chat', async () => {
    const first = await reply(engine, greedy('The dog ran to the garden. It'));
    const text = `The dog ran to the garden. It ${first.end.text} Then`;
    const { start } = await reply(engine, greedy(text));
    expect(start.reusedTokens).toBe(first.end.contextUsed);
  });
});

describe('seeds', () => {
  it('are drawn by the host when left open, and reported', async () => {
    const open = await reply(engine, sampled('Once upon a time', { seed: null }));
    expect([open.start.seed, open.end.seed]).toEqual([RANDOM_SEED, RANDOM_SEED]);
    const again = await reply(engine, sampled('Once upon a time', { seed: RANDOM_SEED }));
    expect(again.end.text).toBe(open.end.text);
  });
});

describe('stopping', () => {
  it('truncates before a stop string and shows nothing of it', async () => {
    const { tokens, end } = await reply(engine, greedy('Hello world', { stopStrings: ['very well'] }));
    expect(end).toMatchObject({
      text: '! How are you? I am ',
      stop: { reason: 'stop_string', stopString: 'very well' },
    });
    expect(tokens.map(({ text }) => text).join('')).toBe(end.text);
    expect(end.ids).toHaveLength(tokens.length);
  });

  it('stops in a repetition loop by default', async () => {
    const { end } = await reply(engine, sampled('red red red red', { temperature: 0 }));
    expect(end.stop).toEqual({ reason: 'repetition', window: 10, loop: { period: 1, tokens: 20 } });
    expect(end.ids).toHaveLength(20);
  });

  it('stops within one token when cancelled', async () => {
    const cancel = { cancelled: false };
    let tokens = 0;
    for await (const event of engine.generate(greedy('Hello world', { ignoreEos: true, maxTokens: 900 }), cancel)) {
      if (event.type === 'token' && ++tokens === 5) cancel.cancelled = true;
      if (event.type === 'end') expect(event).toMatchObject({ stop: { reason: 'user' }, ids: { length: 5 } });
    }
    expect(tokens).toBe(5);
  });

  it('stops during prefill, and answers the same prompt correctly afterwards', async () => {
    const params = greedy({ kind: 'ids', ids: windowIds.slice(0, 900) }, { maxTokens: 5 });
    const expected = await reply(fresh, params);
    for (const polls of isFull ? [1, 2, 5, 30, 60] : [1, 30]) {
      let left = polls;
      const cancel = {
        get cancelled(): boolean {
          return left-- <= 0;
        },
      };
      const stopped = await reply(engine, params, cancel);
      expect(stopped.end).toMatchObject({ ids: [], stop: { reason: 'user' } });
    }
    expect((await reply(engine, params)).end.ids).toEqual(expected.end.ids);
  });

  it('respects the time limit, also during prefill', async () => {
    const forever = {
      ...greedy('Hello world', { ignoreEos: true, timeLimitMs: 60, maxTokens: 990 }),
      useKvCache: false,
    };
    const took: number[] = [];
    // Other load may delay one of them.
    for (let sample = 0; sample < 3; sample++) {
      const { end } = await reply(engine, forever);
      expect(end.stop.reason).toBe('time_limit');
      expect(end.ids.length).toBeGreaterThan(0);
      took.push(end.timings.totalMs);
    }
    expect(Math.min(...took)).toBeLessThan(1000);
    const early = await reply(engine, { ...greedy({ kind: 'ids', ids: windowIds.slice(0, 990) }, { timeLimitMs: 0 }) });
    expect(early.end).toMatchObject({ ids: [], stop: { reason: 'time_limit' } });
  });
});

describe.each(PLATFORMS)('many replies on the $executor executor', ({ platform }) => {
  let engine: InferenceEngine;
  /** Recomputes the whole sequence for every token. */
  let fresh: InferenceEngine;
  beforeAll(async () => {
    engine = await tinyEngine(platform());
    fresh = await tinyEngine(platform());
  });

  it('fill the window of 1000 tokens exactly', async () => {
    const { end } = await reply(engine, greedy('Hello world', { maxTokens: 5000, ignoreEos: true }));
    expect(end.contextUsed).toBe(1000);
    expect(end.ids).toHaveLength(997);
    expect(end.stop).toEqual({ reason: 'context_full', promptTokens: 3, contextSize: 1000 });
  });

  it('are the same with the KV cache, whatever the previous prompt', async () => {
    const edit = fc.record({ at: fc.nat(30), remove: fc.nat(5), insert: fc.array(fc.integer({ min: 3, max: 7999 }), { maxLength: 4 }) }); // prettier-ignore
    let prompt = windowIds.slice(0, 20);
    await fc.assert(
      fc.asyncProperty(edit, fc.nat(2 ** 32 - 1), async ({ at, remove, insert }, seed) => {
        prompt = [...prompt];
        prompt.splice(1 + (at % prompt.length), remove, ...insert);
        const params = { ...sampled({ kind: 'ids', ids: prompt }, { seed }, { maxTokens: 5 }), topCandidates: 5 };
        const reused = await reply(engine, params);
        const computed = await reply(fresh, { ...params, useKvCache: false });
        expect(reused.end.ids).toEqual(computed.end.ids);
        expect(reused.end.text).toBe(computed.end.text);
        reused.tokens.forEach((token, i) => {
          token.candidates.forEach((candidate, k) => {
            expect(candidate.id).toBe(computed.tokens[i].candidates[k].id);
            expect(Math.abs(candidate.logprob - computed.tokens[i].candidates[k].logprob)).toBeLessThan(1e-4);
          });
        });
      }),
      { numRuns: isFull ? 60 : 30 },
    );
  });

  it('are the same after prefill in slices as token by token', async () => {
    const ids = windowIds.slice(0, 700);
    // With an empty cache, so that only the start token is reused.
    const fresh = await tinyEngine(platform());
    const forget = () => reply(fresh, greedy({ kind: 'ids', ids: [ids[0], ids[1] + 1] }, { maxTokens: 1 }));
    await forget();
    const inSlices = await reply(fresh, greedy({ kind: 'ids', ids }, { maxTokens: 12 }));
    expect(inSlices.start.reusedTokens).toBe(1);
    // Each longer prompt leaves one new token.
    let last = inSlices;
    await forget();
    for (let length = 600; length <= 700; length++) {
      last = await reply(
        fresh,
        greedy({ kind: 'ids', ids: ids.slice(0, length) }, { maxTokens: length < 700 ? 1 : 12 }),
      );
    }
    expect(last.start.reusedTokens).toBeGreaterThan(690);
    expect(last.end.ids).toEqual(inSlices.end.ids);
    last.tokens.forEach((token, i) => expect(Math.abs(token.logprob - inSlices.tokens[i].logprob)).toBeLessThan(1e-4));
  });

  it('repeat exactly with their seed, and differ between seeds', async () => {
    const texts = await Promise.all(
      [1, 2, 3, 1, 2, 3].map(async (seed) => (await reply(engine, sampled('Once upon a time', { seed }))).end.text),
    );
    expect(texts.slice(0, 3)).toEqual(texts.slice(3));
    expect(new Set(texts).size).toBe(3);
  });

  it('equal the decoding of their ids wherever they end, and the joined text of their tokens', async () => {
    // This reply has opening and closing quotes, whose spaces depend on their neighbours.
    for (let maxTokens = 1; maxTokens <= 40; maxTokens++) {
      const { tokens, end } = await reply(engine, greedy('"Hello!" said Lily. "', { maxTokens, ignoreEos: true }));
      expect(end.text).toBe(engine.detokenize(end.ids, true).text);
      expect(tokens.map(({ text }) => text).join('')).toBe(end.text);
      expect(tokens.map(({ id }) => id)).toEqual(end.ids);
    }
  });

  it('are truncated at the same position by a stop string with any sampler', async () => {
    const stop = fc.constantFrom('.', ' ', 'a', 'the ', '. “', '” said', 'and', ',', 'Lily', 'e t', 'zzz', '. The');
    await fc.assert(
      fc.asyncProperty(fc.array(stop, { minLength: 1, maxLength: 3 }), fc.nat(50), async (stopStrings, seed) => {
        const prompt = 'Once upon a time, there was a little';
        const whole = await reply(engine, sampled(prompt, { seed }, { maxTokens: 40 }));
        const cut = await reply(engine, sampled(prompt, { seed }, { maxTokens: 40, stopStrings }));
        const positions = stopStrings.map((s) => whole.end.text.indexOf(s)).filter((position) => position >= 0);
        const expected = positions.length > 0 ? whole.end.text.slice(0, Math.min(...positions)) : whole.end.text;
        expect(cut.end.text).toBe(expected);
        expect(cut.tokens.map(({ text }) => text).join('')).toBe(expected);
        expect(cut.end.stop.reason === 'stop_string').toBe(positions.length > 0);
        expect(cut.end.ids).toEqual(whole.end.ids.slice(0, cut.end.ids.length));
      }),
      { numRuns: isFull ? 60 : 20 },
    );
  });

  it('never have a masked token, and report the raw distribution beside the sampled one', async () => {
    const params = {
      ...sampled('The cat', { seed: 5, temperature: 5, topK: 0, topP: 1, minP: 0 }),
      topCandidates: 100,
    };
    const { tokens } = await reply(engine, params);
    for (const { id, candidates, survivors } of tokens) {
      expect([0, 2]).not.toContain(id);
      expect(survivors).toBe(7998);
      expect(candidates).toHaveLength(100);
      for (const candidate of candidates) {
        expect(candidate.sampledProbability === null).toBe(candidate.id === 0 || candidate.id === 2);
      }
    }
  });
});
