import { describe, expect, it } from 'vitest';
import { defaultGenerateParams, type GenerateParams } from '../index.ts';
import { ScriptedEngine, SCRIPTED_EOS, testPlatform, type Script } from '../test-support/scripted-model.ts';
import type { Drafter } from './drafter.ts';
import { SLICE_TOKENS } from './prefill.ts';

const LETTERS = Array.from({ length: 20 }, (_, i) => String.fromCodePoint(97 + i));
const VOCABULARY = ['<BOS>', '<EOS>', '<UNK>', ...LETTERS.map((letter) => ` ${letter}`)];
/** Each token is followed by the next one, the last one by the end. */
const ALPHABET: Script = {
  vocabulary: VOCABULARY,
  next: (ids) => (ids.at(-1)! + 1) % VOCABULARY.length || SCRIPTED_EOS,
};

function request(ids: number[], change: Partial<GenerateParams> = {}): GenerateParams {
  const params = defaultGenerateParams({ kind: 'ids', ids });
  return { ...params, sampling: { ...params.sampling, temperature: 0 }, ...change };
}

/** Always drafts the same number of next letters. */
const knows = (count: number): Drafter => ({
  draft: (ids, most) => Array.from({ length: Math.min(count, most) }, (_, i) => ids.at(-1)! + 1 + i),
});

async function run(drafter: Drafter | undefined, script = ALPHABET, params = request([0, 3])) {
  const engine = new ScriptedEngine(script, testPlatform(), drafter);
  const result = await engine.run(params);
  return { engine, ...result };
}

describe('speculation', () => {
  it('runs drafts together with the last token, and gives the same tokens', async () => {
    const plain = await run(undefined);
    const drafted = await run(knows(3));
    expect(drafted.tokens).toEqual(plain.tokens);
    expect(drafted.end.stop).toEqual(plain.end.stop);
    expect(plain.engine.batches).toEqual([2, ...Array.from({ length: 19 }, () => 1)]);
    // The first run is the prompt's; the next three are measured without drafts.
    expect(drafted.engine.batches).toEqual([2, 1, 1, 1, 4, 4, 4, 4]);
    expect(drafted.end.timings.speculation).toEqual({ drafted: 12, accepted: 12 });
    expect(plain.end.timings).not.toHaveProperty('speculation');
  });

  it('drops wrong drafts, and counts them', async () => {
    const wrong: Drafter = { draft: (ids) => [ids.at(-1)! + 1, 3, 3] };
    const { tokens, engine, end } = await run(wrong);
    expect(tokens).toEqual((await run(undefined)).tokens);
    const { drafted, accepted } = end.timings.speculation!;
    expect(drafted).toBe(3 * engine.batches.filter((rows) => rows === 4).length);
    expect(accepted).toBe(drafted / 3);
  });

  it('leaves nothing in the window that the reply does not have', async () => {
    const wrong: Drafter = { draft: () => [3, 3, 3] };
    const { engine, tokens } = await run(
      wrong,
      ALPHABET,
      request([0, 3], { stop: { ...request([0]).stop, maxTokens: 7 } }),
    );
    const sequence = [0, 3, ...tokens.map(({ id }) => id)];
    expect(engine.context.contents(sequence).sequences).toEqual([engine.context.contents(sequence).resident]);
  });

  it('never runs more tokens than the window holds', async () => {
    const script = { ...ALPHABET, contextSize: 12, next: (ids: readonly number[]) => 3 + (ids.length % 9) };
    const plain = await run(undefined, script);
    const drafted = await run(knows(7), script);
    expect(drafted.tokens).toEqual(plain.tokens);
    expect(drafted.end.stop).toEqual(plain.end.stop);
    expect(drafted.end.stop.reason).toBe('context_full');
  });

  it('gives the same tokens after a context shift', async () => {
    const script = { ...ALPHABET, contextSize: 12, next: (ids: readonly number[]) => 3 + ((ids.at(-1)! + 1) % 20) };
    const params = request([0, 3], { prompt: { kind: 'ids', ids: [0, 3], whenFull: 'shift' } });
    const plain = await run(undefined, script, params);
    const drafted = await run(knows(7), script, params);
    expect(drafted.tokens).toEqual(plain.tokens);
    expect(drafted.end).toEqual({ ...plain.end, timings: drafted.end.timings });
  });

  it('does not draft without a KV cache', async () => {
    let asked = 0;
    const drafter: Drafter = { draft: () => ((asked += 1), [3]) };
    const params = request([0, 3], { useKvCache: false });
    const { tokens } = await run(drafter, { ...ALPHABET, next: () => 3 }, params);
    expect([tokens.length > 10, asked]).toEqual([true, 0]);
  });

  it('runs a given token together with the prompt, and counts it as no draft', async () => {
    const params = request([0, 3], { firstToken: 9 });
    const { engine, tokens, end } = await run(undefined, ALPHABET, params);
    expect(tokens.map(({ id }) => id)).toEqual([9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22]);
    expect(engine.batches).toEqual([3, ...Array.from({ length: 13 }, () => 1)]);
    expect(end.timings).not.toHaveProperty('speculation');
    const again = await engine.run(params);
    expect(again.tokens.map(({ id }) => id)).toEqual(tokens.map(({ id }) => id));
    // The last token of the prompt, and the given one.
    expect(engine.batches.slice(14, 16)).toEqual([2, 1]);
    expect((await run(knows(3), ALPHABET, params)).engine.batches.slice(0, 5)).toEqual([3, 1, 1, 1, 4]);
  });

  it('keeps the last token of a long prompt and a given one in one run', async () => {
    const ids = [0, ...Array.from({ length: SLICE_TOKENS - 1 }, (_, at) => 3 + (at % 20))];
    const script = { ...ALPHABET, contextSize: 2 * SLICE_TOKENS };
    const { engine, tokens } = await run(undefined, script, request(ids, { firstToken: 9 }));
    expect(tokens.slice(0, 2).map(({ id }) => id)).toEqual([9, 10]);
    expect(engine.batches.slice(0, 3)).toEqual([SLICE_TOKENS - 1, 2, 1]);
  });

  it('runs a given token alone in a full window, and without a KV cache', async () => {
    const script = { ...ALPHABET, contextSize: 8, next: () => 3 };
    const ids = [0, 3, 3, 3, 3, 3, 3, 3];
    const full = request(ids, { prompt: { kind: 'ids', ids, whenFull: 'shift' }, firstToken: 9 });
    const { engine, tokens } = await run(undefined, script, full);
    expect(tokens.slice(0, 2).map(({ id }) => id)).toEqual([9, 3]);
    expect(engine.batches[0]).toBe(8);
    const same = { ...ALPHABET, next: () => 3 };
    const uncached = await run(undefined, same, request([0, 3], { useKvCache: false, firstToken: 9 }));
    expect(uncached.engine.batches.slice(0, 3)).toEqual([2, 3, 4]);
  });

  it('waits for a drafter that takes its time', async () => {
    const slow: Drafter = { draft: async (ids, most) => knows(3).draft(ids, most) };
    expect((await run(slow)).tokens).toEqual((await run(undefined)).tokens);
  });
});
