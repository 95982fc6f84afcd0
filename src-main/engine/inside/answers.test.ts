/** What `inside` answers, against PyTorch's trace and against a separate computation in double precision. */
import { describe, expect, it } from 'vitest';
import { EngineError } from '../api/errors.ts';
import type { InsideAnswer, InsideParams, InsideQuery, Intervention } from '../api/inside-types.ts';
import { ContextWindow } from '../generation/context-window.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';
import type { Model } from '../models/model.ts';
import { intervene, replaceTokens } from '../program/interventions.ts';
import { tappedTensor } from '../program/partial-program.ts';
import { TAPS } from '../program/taps.ts';
import { float64Run } from '../test-support/float64-run.ts';
import { readGolden } from '../test-support/golden.ts';
import {
  ALL_MODELS,
  BUILT_IN,
  CONTEXT,
  normalisedError,
  referenceModel,
  someIds,
  wasmModel,
} from '../test-support/inside-models.ts';
import { nodePlatform } from '../test-support/tiny-engine.ts';
import { Inside } from './inside.ts';

/** Float32 sums through all layers: relative errors of about 1e-5, squared. */
const FLOAT32_NMSE = 1e-9;
/** PyTorch's float32 trace. */
const TRACE = 1e-5;
const TOKENS = 12;

type AnswerOf<Q extends InsideQuery> = Extract<InsideAnswer, { kind: Q['kind'] }>;

/** Asks about one run of a model. */
async function asking(name: string, interventions: Intervention[] = [], given?: number[], open = wasmModel) {
  const { model, executor } = await open(name);
  const ids = given ?? someIds(model, TOKENS);
  const context = new ContextWindow(executor, new KvCache(CONTEXT));
  const inside = new Inside();
  const run = {
    ...{ model, executor, context, platform: nodePlatform(), cancel: undefined },
    program: intervene(model.program, interventions),
    interventions,
    ids: replaceTokens(ids, interventions, model.config.vocabularySize),
    causal: interventions.every(({ kind }) => kind !== 'causal_mask'),
  };
  const ask = async <Q extends InsideQuery>(query: Q) => {
    const params: InsideParams = { ids, interventions, query };
    return (await inside.ask(run, params)) as AnswerOf<Q>;
  };
  return { ask, run, inside };
}

function tensorOf(model: Model, run: ReturnType<typeof float64Run>, tap: string): readonly number[][] {
  return run.tensors.get(tappedTensor(model.program, tap)!)!;
}

describe('the built-in model', () => {
  it('has the embeddings, attention and layer outputs of PyTorch', async () => {
    const { trace } = readGolden();
    const { ask } = await asking(BUILT_IN, [], trace.ids);
    const to = trace.ids.length;
    for (const layer of trace.layer_outputs.keys()) {
      const found = await ask({ kind: 'layer', layer, from: 0, to });
      if (layer === 0) expectClose(found.input, trace.embedding.flat(), TRACE);
      expectClose(found.output, trace.layer_outputs[layer].flat(), TRACE);
      for (const head of trace.attention[layer].keys()) {
        const { weights } = await ask({ kind: 'attention', layer, head, from: 0, to });
        expectClose(weights, trace.attention[layer][head].flat(), TRACE);
      }
    }
    const { rows } = await ask({ kind: 'embedding', token: 0, neighbours: 0, from: 0, to });
    const { rows: positions } = await ask({ kind: 'positions', layer: 0, from: 0, to });
    expectClose(
      rows.map((value, i) => value + positions![i]),
      trace.embedding.flat(),
      TRACE,
    );
  });
});

it.each([
  [BUILT_IN, false],
  ['llama', true],
])('says whether %s has a norm behind its last layer', async (name, norm) => {
  const { ask } = await asking(name);
  expect(await ask({ kind: 'lens', token: 1, top: 1 })).toMatchObject({ norm });
});

it('lists the pieces that WordPiece tried', async () => {
  const { model } = await referenceModel(BUILT_IN);
  const ids = model.tokenizer.encode('Hello unfriendliness');
  const { ask } = await asking(BUILT_IN, [], ids);
  const { tokens } = await ask({ kind: 'tokens' });
  expect(tokens.map(({ piece }) => piece)).toEqual(ids.map((id) => model.tokenizer.piece(id)));
  expect(tokens[0]).toMatchObject({ special: true, unknown: false, attempts: [] });
  expect(tokens[1].attempts).toEqual(['Hello']);
  const [first] = tokens.slice(2);
  expect(first.attempts[0]).toBe('unfriendliness');
  expect(first.attempts.at(-1)).toBe(first.piece);
  for (const { attempts, piece } of tokens.slice(2)) expect(attempts.at(-1)).toBe(piece);
});

it('tells unknown words from other special tokens', async () => {
  const { model } = await referenceModel(BUILT_IN);
  const { ask } = await asking(BUILT_IN, [], model.tokenizer.encode('Hello 日本'));
  const { tokens } = await ask({ kind: 'tokens' });
  expect(tokens.map(({ special, unknown }) => [special, unknown])).toEqual([
    [true, false],
    [false, false],
    [true, true],
  ]);
});

describe.each(ALL_MODELS)('%s', (name) => {
  it('has the numbers of a computation in double precision', async () => {
    const [{ ask, run }, { model: oracle }] = await Promise.all([asking(name), referenceModel(name)]);
    const expected = float64Run(oracle.program, oracle.weights, run.ids);
    const tensor = (tap: string) => tensorOf(oracle, expected, tap);
    const close = (found: ArrayLike<number>, rows: readonly (readonly number[])[]) =>
      expect(normalisedError(found, rows.flat())).toBeLessThan(FLOAT32_NMSE);
    const { kvWidths } = oracle.program;
    const last = kvWidths.length - 1;
    const [from, to] = [3, 10];

    const found = await ask({ kind: 'layer', layer: last, from, to });
    close(found.input, tensor(last === 0 ? TAPS.embedding : TAPS.layerOutput(last - 1)).slice(from, to));
    close(found.attention, tensor(TAPS.attentionBlock(last)).slice(from, to));
    close(found.afterAttention, tensor(TAPS.attentionOutput(last)).slice(from, to));
    close(found.feedForward, tensor(TAPS.feedForwardBlock(last)).slice(from, to));
    close(found.output, tensor(TAPS.layerOutput(last)).slice(from, to));

    const head = oracle.config.heads - 1;
    const attention = await ask({ kind: 'attention', layer: last, head, from, to });
    const { context, headDim, kvHead } = attention;
    const columns = (rows: readonly number[][], which: number) =>
      rows.map((row) => row.slice(which * headDim, (which + 1) * headDim));
    const square = (rows: readonly number[][]) => rows.slice(from, to).map((row) => row.slice(0, context));
    close(attention.queries, columns(tensor(TAPS.attentionQueries(last)), head).slice(from, to));
    close(attention.keys, columns(tensor(TAPS.attentionKeys(last)), kvHead).slice(0, context));
    close(attention.values, columns(tensor(TAPS.attentionValues(last)), kvHead).slice(0, context));
    close(attention.output, columns(tensor(TAPS.attentionHeads(last)), head).slice(from, to));
    close(attention.weights, square(expected.weights[last][head]));
    square(expected.scores[last][head])
      .flat()
      .forEach((score, i) => {
        if (score === -Infinity) expect(attention.scores[i]).toBe(-Infinity);
        else expect(Math.abs(attention.scores[i] - score)).toBeLessThan(1e-3 + 1e-4 * Math.abs(score));
      });

    const { maps, size, tokensPerCell } = await ask({ kind: 'attention_maps', layer: 0, size: 5 });
    expect([size, tokensPerCell]).toEqual([4, 3]);
    const pooled = new Float64Array(maps.length);
    expected.weights[0].forEach((rows, h) =>
      rows.forEach((row, t) =>
        row.forEach((weight, i) => {
          const cell = (h * size + Math.floor(t / 3)) * size + Math.floor(i / 3);
          pooled[cell] = Math.max(pooled[cell], weight);
        }),
      ),
    );
    expect(normalisedError(maps, pooled)).toBeLessThan(FLOAT32_NMSE);

    const { stream, attention: added } = await ask({ kind: 'norms', from: 0, to: TOKENS });
    const lengths = (rows: readonly number[][]) => rows.map((row) => Math.hypot(...row));
    close(stream.slice(0, TOKENS), [lengths(tensor(TAPS.embedding))]);
    close(stream.slice((last + 1) * TOKENS), [lengths(tensor(TAPS.layerOutput(last)))]);
    close(added.slice(last * TOKENS), [lengths(tensor(TAPS.attentionBlock(last)))]);
    const some = await ask({ kind: 'norms', from, to });
    close(some.stream.slice((last + 1) * (to - from)), [lengths(tensor(TAPS.layerOutput(last)).slice(from, to))]);
    close(some.feedForward.slice(0, to - from), [lengths(tensor(TAPS.feedForwardBlock(0)).slice(from, to))]);

    const { logits, top } = await ask({ kind: 'logits', token: 7, top: 3 });
    close(logits, [expected.logits[7]]);
    expect(top[0].id).toBe(logits.indexOf(Math.max(...logits)));
  });

  // Of the built-in model this would list two million effects.
  it.skipIf(name === BUILT_IN)(
    'has neurons whose effects sum to what is attributed to the feed-forward network (too many in the built-in model)',
    async () => {
      const { ask, run } = await asking(name);
      const { vocabularySize, feedForwardSize } = run.model.config;
      const [layer, token, target] = [0, TOKENS - 1, 77];
      const { parts } = await ask({ kind: 'attribution', token, target });
      const all = { neurons: feedForwardSize, tokens: vocabularySize };
      const { neurons, gated, function: act } = await ask({ kind: 'feed_forward', layer, token, ...all });
      expect([gated, act]).toEqual([!name.startsWith('gpt2'), /^(?:gpt2|gemma)/u.test(name) ? 'gelu' : 'silu']);
      const effects = neurons.map(({ promotes }) => promotes.find(({ id }) => id === target)!.logit);
      const expected = parts.find(({ part }) => part === `ffn:${layer}`)!.value;
      const size = effects.reduce((total, effect) => total + Math.abs(effect), 0);
      // Each is the difference of two float32 sums.
      expect(Math.abs(effects.reduce((total, effect) => total + effect, 0) - expected)).toBeLessThan(
        1e-4 * size + 1e-5,
      );
    },
  );

  it('has neighbours by cosine, and positions as the model encodes them', async () => {
    const [{ ask, run }, { model: oracle }] = await Promise.all([asking(name), referenceModel(name)]);
    const token = 5;
    const { rows, hidden, neighbours } = await ask({ kind: 'embedding', token, neighbours: 4, from: 0, to: TOKENS });
    const table = oracle.program.ops.find(({ op }) => op === 'embed')!.weights[0].resolve(oracle.weights).data;
    const rowOf = (id: number) => table.subarray(id * hidden, (id + 1) * hidden);
    expect(normalisedError(rows.subarray(token * hidden, (token + 1) * hidden), rowOf(run.ids[token]))).toBe(0);
    const own = rowOf(run.ids[token]);
    const cosine = (id: number) => {
      const other = rowOf(id);
      const lengths = Math.hypot(...own) * Math.hypot(...other);
      return lengths === 0 ? -Infinity : own.reduce((total, value, i) => total + value * other[i], 0) / lengths;
    };
    const others = Array.from({ length: table.length / hidden }, (_, id) => [id, cosine(id)] as const);
    const best = others.filter(([id]) => id !== run.ids[token]).sort((a, b) => b[1] - a[1]);
    neighbours.forEach((found, i) => expect(Math.abs(found.cosine - best[i][1])).toBeLessThan(1e-6));
    const { rows: learned, rotary } = await ask({ kind: 'positions', layer: 0, from: 2, to: 4 });
    expect(learned !== null || rotary !== null).toBe(true);
    if (rotary) expect(rotary.angles[0]).toBeCloseTo(2 * rotary.frequencies[0], 12);
  });
});

describe('runs with interventions', () => {
  it.each([BUILT_IN, 'llama'])('show no positions where they are off: %s', async (name) => {
    const { ask } = await asking(name, [{ kind: 'positions' }]);
    const { rows, rotary } = await ask({ kind: 'positions', layer: 0, from: 1, to: 3 });
    const shown = [...(rows ?? []), ...(rotary?.angles ?? [])];
    expect(shown.length).toBeGreaterThan(0);
    expect(shown.every((value) => value === 0)).toBe(true);
  });

  it.each<[string, Intervention[]]>([
    ['a head', [{ kind: 'head', layer: 0, head: 1 }]],
    ['the causal mask', [{ kind: 'causal_mask' }]],
    ['positions and a token', [{ kind: 'positions' }, { kind: 'token', index: 3, id: 9 }]],
  ])('have the numbers of a computation in double precision without %s', async (_, interventions) => {
    const [{ ask, run }, { model: oracle }] = await Promise.all([
      asking('gemma3', interventions),
      referenceModel('gemma3'),
    ]);
    const program = intervene(oracle.program, interventions);
    const expected = float64Run(program, oracle.weights, run.ids);
    const found = await ask({ kind: 'layer', layer: 1, from: 0, to: TOKENS });
    const output = expected.tensors.get(tappedTensor(program, TAPS.layerOutput(1))!)!;
    expect(normalisedError(found.output, output.flat())).toBeLessThan(FLOAT32_NMSE);
    const { weights, context } = await ask({ kind: 'attention', layer: 1, head: 0, from: 2, to: 5 });
    const rows = expected.weights[1][0].slice(2, 5).map((row) => row.slice(0, context));
    expect(normalisedError(weights, rows.flat())).toBeLessThan(FLOAT32_NMSE);
  });
});

describe('memory', () => {
  it('computes each answer once, and forgets it when asked to', async () => {
    const { ask, run, inside } = await asking(BUILT_IN);
    const query = { kind: 'attention', layer: 1, head: 0, from: 0, to: 4 } as const;
    const first = await ask(query);
    const computed = run.executor.computedTokens;
    expect(await ask({ ...query })).toBe(first);
    // Another layer is computed again, but not those before it.
    await ask({ ...query, layer: 0 });
    expect(run.executor.computedTokens - computed).toBe(4);
    // Only as far as somebody asked: the first layer for all tokens, then a layer for four of them, twice.
    expect(run.executor.computedTokens).toBe(TOKENS + 4 + 4);
    expect(inside.release()).toBeGreaterThan(0);
    expect(inside.bytes).toBe(0);
    expect(run.context.length).toBe(0);
  });

  it('computes all heads of a layer at once, however many of them share keys and values', async () => {
    const { ask, run, inside } = await asking('gemma3');
    const layer = run.program.kvWidths.length - 1;
    const query = { kind: 'attention', layer, head: 0, from: 3, to: 10 } as const;
    await ask(query);
    const { computedTokens } = run.executor;
    for (let head = 1; head < run.model.config.heads; head++) {
      const found = await ask({ ...query, head });
      expect(found).toEqual(await (await asking('gemma3')).ask({ ...query, head }));
    }
    expect(run.executor.computedTokens).toBe(computedTokens);
    await ask({ ...query, from: 4 });
    expect(run.executor.computedTokens).toBe(computedTokens + 10);
    inside.release();
    expect(inside.bytes).toBe(0);
  });

  it('gives the keys and values that are asked for', async () => {
    const { ask, run } = await asking(BUILT_IN);
    const query = { kind: 'attention', layer: 1, head: 1, from: 2, to: 8 } as const;
    const all = await ask(query);
    const { computedTokens } = run.executor;
    const part = await ask({ ...query, keys: { from: 3, to: TOKENS } });
    const { headDim, context } = all;
    const [keys, values] = [all.keys, all.values].map((each) => each.slice(3 * headDim));
    expect([all.firstKey, all.keys.length, context]).toEqual([0, 8 * headDim, 8]);
    // Without those that no query may look at.
    expect(part).toEqual({ ...all, firstKey: 3, keys, values });
    expect(run.executor.computedTokens).toBe(computedTokens);
  });

  it('opens the first layer without the others', async () => {
    const { ask, run } = await asking(BUILT_IN);
    await ask({ kind: 'attention', layer: 0, head: 0, from: 0, to: TOKENS });
    expect(run.executor.computedTokens).toBe(TOKENS);
    expect(run.context.contents(run.ids)).toMatchObject({ free: CONTEXT, resident: 0 });
  });

  it('resumes where a cancelled question stopped', async () => {
    const { ask, run, inside } = await asking('gemma3');
    const { executor } = run;
    const layers = run.program.kvWidths.length;
    const query = { kind: 'attention', layer: layers - 1, head: 0, from: 0, to: TOKENS } as const;
    const expected = await (await asking('gemma3')).ask(query);
    // Cancelled after the first layers.
    let runs = 0;
    const slow = {
      ...run,
      executor: Object.assign(Object.create(executor) as typeof executor, {
        allocateCells: (cells: number) => executor.allocateCells(cells),
        run: (...args: Parameters<typeof executor.run>) => {
          if (++runs > 1) return Promise.reject(new EngineError('CANCELLED', 'Cancelled.'));
          return executor.run(...args);
        },
      }),
    };
    const params = { ids: [...run.ids], interventions: [], query };
    await expect(inside.ask(slow, params)).rejects.toMatchObject({ code: 'CANCELLED' });
    const computed = executor.computedTokens;
    const found = await ask(query);
    // Three layers at a time, without the first three, and the one that is asked about.
    expect(executor.computedTokens - computed).toBe(TOKENS * (Math.ceil((layers - 1) / 3) - 1 + 1));
    expect([...found.output]).toEqual([...expected.output]);
  });

  it('says what the KV cache holds', async () => {
    const { ask, run } = await asking(BUILT_IN);
    expect(await ask({ kind: 'cache' })).toMatchObject({ cells: CONTEXT, free: CONTEXT, resident: 0, sequences: [] });
    await run.context.run(run.ids.slice(0, 5), { logits: [] });
    const found = await ask({ kind: 'cache' });
    expect(found).toMatchObject({ free: CONTEXT - 5, shared: 0, resident: 5, sequences: [5] });
    // 128 values of K and of V in float32.
    expect(found.bytesPerToken).toEqual([1024, 1024]);
  });

  it.each<[string, InsideQuery, string]>([
    ['a layer', { kind: 'layer', layer: 2, from: 0, to: 1 }, 'query.layer must be from 0 to 1, not 2.'],
    ['a head', { kind: 'attention', layer: 0, head: 4, from: 0, to: 1 }, 'query.head must be from 0 to 3, not 4.'],
    ['a range', { kind: 'layer', layer: 0, from: 0, to: 13 }, 'must be a range of the 12 tokens, not 0 to 13.'],
    [
      'a range of keys',
      { kind: 'attention', layer: 0, head: 0, from: 0, to: 1, keys: { from: 3, to: 13 } },
      'query.keys.from to query.keys.to must be a range of the 12 tokens, not 3 to 13.',
    ],
    ['a rival', { kind: 'attribution', token: 0, target: 1, rival: 8000 }, 'query.rival must be from 0 to 7999'],
    [
      'too many numbers',
      { kind: 'feed_forward', layer: 0, token: 0, neurons: 1000, tokens: 5 },
      'This would list 8.3 million numbers; the limit is 8 million. Ask for fewer tokens.',
    ],
  ])('refuses %s before anything runs', async (_, query, message) => {
    const { ask, run } = await asking(BUILT_IN);
    await expect(ask(query)).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringContaining(message) as string,
    });
    expect(run.executor.computedTokens).toBe(0);
  });
});

function expectClose(found: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  expect(found.length).toBe(expected.length);
  const difference = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i])), 0);
  expect(difference).toBeLessThan(tolerance);
}
