/** The selection of the best logits, and replies from them, against the CPU. */
import { describe, expect, it } from 'vitest';
import type { GpuBuffer } from '../../api/gpu.ts';
import { defaultGenerateParams } from '../../api/defaults.ts';
import type { SamplingParams } from '../../api/types.ts';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import { openModel } from '../../models/open-model.ts';
import type { Model } from '../../models/model.ts';
import { PlainLogits } from '../../sampling/logits.ts';
import { SamplerChain } from '../../sampling/sampler-chain.ts';
import type { DrawChoice } from '../../sampling/next-choice.ts';
import { countingDevice } from '../../test-support/counting-device.ts';
import { sharedDevice, testGpu } from '../../test-support/gpu.ts';
import { openGpuModel } from '../../test-support/gpu-model.ts';
import { CONTEXT, filesOf } from '../../test-support/inside-models.ts';
import { modelReply } from '../../test-support/model-reply.ts';
import { collect, type ScriptedRun } from '../../test-support/scripted-model.ts';
import { batchOf } from '../batch.ts';
import type { Executor } from '../executor.ts';
import { createReferenceExecutor } from '../reference/reference-executor.ts';
import { USAGE } from './device.ts';
import { readBack, topOf } from './logits-readback.ts';
import { draw } from './ops/draw.ts';
import { TOP_HEADER, topLogits, topWords } from './ops/top-logits.ts';
import { dispatch, Pipelines, prepare } from './pipelines.ts';
import { writeDraw } from './run-inputs.ts';
import { RUN, strideOf } from './shader.ts';

const gpu = await testGpu();
const counting = gpu && countingDevice((await sharedDevice(gpu)).device);
const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';

/** Relative error of the sum of exponentials, as `Logits.logSum` promises. */
const SUM_ERROR = 1e-6;

/** Runs the kernel on rows of the same length. */
async function select(rows: readonly Float32Array[], k: number) {
  const { device } = counting!;
  const [size, stride] = [rows[0].length, strideOf(rows[0].length)];
  const storage = (bytes: number): GpuBuffer =>
    device.createBuffer({ size: bytes, usage: USAGE.STORAGE | USAGE.COPY_DST | USAGE.COPY_SRC });
  const logits = storage(4 * stride * rows.length);
  rows.forEach((row, i) => device.queue.writeBuffer(logits, 4 * stride * i, new Uint32Array(row.slice().buffer)));
  const bytes = 4 * topWords(k) * rows.length;
  const [result, target] = [
    storage(bytes),
    device.createBuffer({ size: bytes, usage: USAGE.MAP_READ | USAGE.COPY_DST }),
  ];
  const pipelines = await Pipelines.of({ ...(await sharedDevice(gpu!)), device });
  const variant = await prepare(device, pipelines, 'top logits', topLogits(size, k), [logits, result]);
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  dispatch(pass, variant, rows.length);
  pass.end();
  encoder.copyBufferToBuffer(result, 0, target, 0, bytes);
  device.queue.submit([encoder.finish()]);
  const words = new Uint32Array((await readBack(target, bytes)).buffer);
  return rows.map((_, i) => {
    const own = words.subarray(i * topWords(k), (i + 1) * topWords(k));
    const best = topOf(own, size, () => Promise.reject(new Error('not here')));
    return Object.assign(best, { first: own[TOP_HEADER.chosen] });
  });
}

/** Normally distributed, from a small generator. */
function normal(size: number, seed: number): Float32Array {
  let state = seed;
  const uniform = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  return Float32Array.from(
    { length: size },
    () => 3 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}

describe.skipIf(gpu === null)('the selection of the best logits (needs an adapter)', () => {
  const sizes = isFull ? [300, 1000, 49_152, 262_144] : [300, 1000, 49_152];
  it.each(sizes)('of %i finds the same tokens, and the sum of all', { timeout: 400_000 }, async (size) => {
    const rows = [
      normal(size, 7),
      // Few values, so that many are equal; some impossible tokens; zeros of both signs.
      normal(size, 8).map((value, id) => (id % 5 === 0 ? -Infinity : Math.round(value) / 2)),
      normal(size, 9).map((value) => (value < 0 ? -0 : 0)),
      // Large logits far apart, and tiny ones.
      normal(size, 10).map((value, id) => (id % 2 === 0 ? value * 1e4 : value * 1e-38)),
      Float32Array.from({ length: size }, (_, id) => -id),
      Float32Array.from({ length: size }, (_, id) => id / size),
    ];
    for (const k of [256, 16, 1]) {
      const found = await select(rows, k);
      rows.forEach((row, i) => {
        const all = new PlainLogits(row);
        const best = found[i];
        // As many as there are, unless the next token has the value of the last.
        const [last, next] = all.top(k + 1).subarray(k - 1);
        if (row[last] === row[next]) expect(best.known).toBe(row.filter((value) => value > row[last]).length);
        else expect(best.known).toBe(k);
        expect(best.top(best.known)).toEqual(all.top(best.known));
        expect(best.first).toBe(all.top(1)[0]);
        for (const id of best.top(best.known)) expect(best.at(id)).toBe(row[id]);
        const error = Math.abs(Math.exp(best.logSum() - all.logSum()) - 1);
        expect(error).toBeLessThan(SUM_ERROR);
      });
    }
  });

  it('says that a logit is not a number, or that none is finite', { timeout: 400_000 }, async () => {
    const broken = normal(1000, 3);
    broken[77] = Number.NaN;
    const rows = [
      broken,
      new Float32Array(1000).fill(-Infinity),
      normal(1000, 4).fill(Infinity, 3, 4),
      normal(1000, 5),
    ];
    const found = await select(rows, 16);
    expect(found.map(({ known }) => known)).toEqual([0, 0, 0, 16]);
    expect(found.map((best) => Number.isNaN(best.logSum()))).toEqual([true, true, true, false]);
  });
});

/** Selects the best logits of a row, and draws one of them as often as there are choices. */
async function drawOnGpu(row: Float32Array, k: number, choices: readonly DrawChoice[]): Promise<number[]> {
  const { device } = counting!;
  const storage = (bytes: number): GpuBuffer =>
    device.createBuffer({ size: bytes, usage: USAGE.STORAGE | USAGE.COPY_DST | USAGE.COPY_SRC });
  const [logits, result, run] = [row.byteLength, 4 * topWords(k), 4 * RUN.header].map(storage);
  device.queue.writeBuffer(logits, 0, new Uint32Array(row.slice().buffer));
  const target = device.createBuffer({ size: 4, usage: USAGE.MAP_READ | USAGE.COPY_DST });
  const pipelines = await Pipelines.of({ ...(await sharedDevice(gpu!)), device });
  const best = await prepare(device, pipelines, 'top logits', topLogits(row.length, k), [logits, result]);
  const drawing = await prepare(device, pipelines, 'draw', draw(k), [run, result]);
  const ids: number[] = [];
  for (const choice of choices) {
    const words = new Uint32Array(RUN.header);
    writeDraw(words, choice);
    device.queue.writeBuffer(run, 0, words);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    dispatch(pass, best, 1);
    dispatch(pass, drawing, 1);
    pass.end();
    encoder.copyBufferToBuffer(result, 4 * TOP_HEADER.chosen, target, 0, 4);
    device.queue.submit([encoder.finish()]);
    ids.push(new Uint32Array((await readBack(target, 4)).buffer)[0]);
  }
  return ids;
}

describe.skipIf(gpu === null)('draws from the best logits (need an adapter)', () => {
  const size = 1000;
  const order = ['top_k', 'temperature', 'min_p', 'top_p'] as const;
  it.each<[string, Partial<SamplingParams>]>([
    ['default settings', {}],
    ['top-k and a temperature', { topK: 100, topP: 1, minP: 0, temperature: 1.5 }],
    ['one token', { topK: 1 }],
    ['a small nucleus', { topP: 0.3, minP: 0 }],
    ['another order', { samplers: [...order], topK: 200, topP: 0.9, minP: 0.02, temperature: 2 }],
  ])('with %s are those of a sampler chain', { timeout: 400_000 }, async (_name, sampling) => {
    const params = { ...defaultGenerateParams({ kind: 'ids', ids: [0] }).sampling, ...sampling };
    const row = normal(size, 11).map((value, id) => (id % 3 === 0 ? value : Math.round(value)));
    const seeds = Array.from({ length: 40 }, (_, seed) => seed);
    const choices = seeds.map((seed) => new SamplerChain(size, params, seed).choiceOf(0));
    const found = await drawOnGpu(row, 256, choices as DrawChoice[]);
    expect(found).toEqual(seeds.map((seed) => new SamplerChain(size, params, seed).sample(row, []).id));
  });

  it('use later random numbers for later tokens', () => {
    const { sampling } = defaultGenerateParams({ kind: 'ids', ids: [0] });
    const chain = new SamplerChain(size, sampling, 5);
    const later = chain.choiceOf(2);
    for (let draws = 0; draws < 2; draws++) chain.sample(normal(size, 12), []);
    expect(chain.choiceOf(0)).toEqual(later);
  });
});

function reply(model: Model, executor: Executor, sampling: Partial<SamplingParams>): Promise<ScriptedRun> {
  return collect(
    modelReply(model, executor, CONTEXT, (params) => {
      Object.assign(params.sampling, sampling);
      params.topCandidates = 3;
    }),
  );
}

const SETTINGS: Readonly<Record<string, Partial<SamplingParams>>> = {
  'default settings': {},
  greedy: { temperature: 0 },
  'penalties and a bias': { repeatPenalty: 1.2, presencePenalty: 0.5, logitBias: [[7, -3], [40, 2]] }, // prettier-ignore
  'min-p alone': { samplers: ['min_p', 'temperature'], minP: 0.3 },
  'all tokens': { samplers: ['temperature'], temperature: 1.3 },
  'top-p first': { samplers: ['top_p', 'temperature'], topP: 0.7 },
  mirostat: { mirostat: 2 },
};

describe.skipIf(gpu === null)('replies from the best logits (need an adapter)', () => {
  it('are the same as from the reference executor', { timeout: 400_000 }, async () => {
    const { program, weights } = await openModel(await filesOf('llama'), { contextSize: CONTEXT });
    const reference = createReferenceExecutor(program, weights, { cells: CONTEXT });
    const opened = { ...(await sharedDevice(gpu!)), device: counting!.device };
    const options = { contextSize: CONTEXT, kvCacheType: 'f32', topLogits: 60 } as const;
    const { executor, model } = await openGpuModel(await filesOf('llama'), opened, options);
    for (const [name, sampling] of Object.entries(SETTINGS)) {
      const [expected, found] = [await reply(model, reference, sampling), await reply(model, executor, sampling)];
      expect([name, ...found.end.ids]).toEqual([name, ...expected.end.ids]);
      found.tokens.forEach((token, i) => {
        expect(token.rank).toBe(expected.tokens[i].rank);
        // Float32 sums through all layers.
        expect(token.logprob).toBeCloseTo(expected.tokens[i].logprob, 4);
      });
    }
    await executor.dispose();
  });

  it('read all logits of several rows, until the executor runs again', { timeout: 400_000 }, async () => {
    const opened = { ...(await sharedDevice(gpu!)), device: counting!.device };
    const { executor } = await openGpuModel(await filesOf('llama'), opened, { contextSize: CONTEXT, topLogits: 8 });
    const cache = new KvCache(CONTEXT);
    const run = (ids: number[], bestFirst: boolean) =>
      executor.run(batchOf([cache.append(0, ids)]), { logits: ids.map((_, row) => row), lend: true, bestFirst });
    const lend = async (ids: number[], bestFirst: boolean) =>
      Promise.all((await run(ids, bestFirst)).logits.map((handle) => handle.lend()));
    const best = await lend([3, 4, 5], true);
    expect(best.map(({ known }) => known)).toEqual([8, 8, 8]);
    counting!.take();
    const all = await Promise.all(best.map((logits) => logits.all()));
    // Once for all rows.
    expect(counting!.take().submits).toBe(1);
    best.forEach((logits, row) => {
      expect([...logits.top(8)]).toEqual([...all[row].top(8)]);
      expect(logits.logSum()).toBeCloseTo(all[row].logSum(), 5);
    });
    const stale = await lend([6], true);
    await lend([7], false);
    await expect(stale[0].all()).rejects.toMatchObject({ code: 'INTERNAL' });
    // More rows than the buffer of logits has.
    const many = await lend([8, 9, 10, 11, 12, 13, 14, 15, 16], true);
    expect(new Set(many.map(({ known }) => known))).toEqual(new Set([320]));
    await executor.dispose();
  });
});
