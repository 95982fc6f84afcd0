import { describe, expect, it } from 'vitest';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import { openModel } from '../../models/open-model.ts';
import { readGolden } from '../../test-support/golden.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../../test-support/model-files.ts';
import { QUANTIZED_MODELS, TINY_MODELS, tinyGgufFiles } from '../../test-support/tiny-gguf.ts';
import { openWasmModel } from '../../test-support/wasm-model.ts';
import { batchOf } from '../batch.ts';
import type { Executor } from '../executor.ts';
import { createReferenceExecutor } from '../reference/reference-executor.ts';

/** Float32 sums through all layers: relative errors of about 1e-5, squared. */
const FLOAT32_NMSE = 1e-9;
/** 8-bit activations in every matrix product: each is off by at most 1/254 of its block's largest. */
const QUANTIZED_NMSE = 1e-2;
const CONTEXT = 64;

describe('models on the wasm executor and on the reference', () => {
  it.each([
    ...TINY_MODELS.map((name) => [name, FLOAT32_NMSE] as const),
    ...QUANTIZED_MODELS.map((name) => [name, QUANTIZED_NMSE] as const),
  ])('%s gives the same logits', async (name, bound) => {
    const reference = await openModel(await tinyGgufFiles(name), { contextSize: CONTEXT });
    const { executor, model } = await openWasmModel(await tinyGgufFiles(name), { contextSize: CONTEXT });
    const ids = Array.from({ length: 40 }, (_, i) => (i * 37 + 11) % model.program.vocabularySize);
    const expected = await allLogits(
      createReferenceExecutor(reference.program, reference.weights, { cells: CONTEXT }),
      ids,
    );
    const found = await allLogits(executor, ids);
    expect(found.length).toBe(expected.length);
    expect(normalisedError(found, expected)).toBeLessThan(bound);
  });
});

describe('TinyTransformer on the wasm executor', () => {
  // The tolerances of the reference executor against PyTorch.
  const LOGITS = 2e-4;
  const golden = readGolden();

  it('gives the logits and greedy tokens of PyTorch', async () => {
    const { executor, model } = await openWasmModel(await nodeModelFiles(TINY_TRANSFORMER_DIR));
    const cache = new KvCache(model.config.contextSize);
    for (const { ids, last_logits, greedy_ids, top } of golden.prompts) {
      cache.release(0);
      let feed = ids;
      for (let step = 0; step <= greedy_ids.length; step++) {
        const result = await executor.run(batchOf([cache.append(0, feed)]), { logits: [feed.length - 1] });
        const logits = await result.logits[0].read();
        if (step === 0) {
          expect(Math.max(...last_logits.map((value, i) => Math.abs(value - logits[i])))).toBeLessThan(LOGITS);
        }
        for (const id of model.config.maskedTokenIds) logits[id] = -Infinity;
        const best = logits.indexOf(logits.reduce((a, b) => Math.max(a, b)));
        if (step < top.length) expect(best).toBe(top[step][0][0]);
        if (step < greedy_ids.length) feed = [greedy_ids[step]];
      }
    }
  });

  it('returns taps, for a whole context window in several slices', async () => {
    const { executor, model } = await openWasmModel(await nodeModelFiles(TINY_TRANSFORMER_DIR));
    const cells = model.config.contextSize;
    const reference = await openModel(await nodeModelFiles(TINY_TRANSFORMER_DIR));
    const oracle = createReferenceExecutor(reference.program, reference.weights, { cells });
    const ids = golden.full_window.ids.slice(0, 300);
    const taps = [...model.program.taps];
    const found = await executor.run(batchOf([new KvCache(cells).append(0, ids)]), { logits: [299], taps });
    const expected = await oracle.run(batchOf([new KvCache(cells).append(0, ids)]), { logits: [299], taps });
    for (const name of taps) {
      expect(found.taps.get(name)!.shape).toEqual(expected.taps.get(name)!.shape);
      expect(normalisedError([found.taps.get(name)!.data], [expected.taps.get(name)!.data])).toBeLessThan(FLOAT32_NMSE);
    }
    // The untapped plan fuses operations and gives the same within rounding.
    const fast = await executor.run(batchOf([new KvCache(cells).append(0, ids)]), { logits: [299] });
    expect(normalisedError([await fast.logits[0].read()], [await found.logits[0].read()])).toBeLessThan(FLOAT32_NMSE);
  });
});

async function allLogits(executor: Executor, ids: number[]): Promise<Float32Array[]> {
  const { logits } = await executor.run(batchOf([new KvCache(CONTEXT).append(0, ids)]), { logits: [...ids.keys()] });
  return Promise.all(logits.map((handle) => handle.read()));
}

function normalisedError(found: readonly Float32Array[], expected: readonly Float32Array[]): number {
  let error = 0;
  let size = 0;
  expected.forEach((row, r) =>
    row.forEach((value, i) => {
      error += (found[r][i] - value) ** 2;
      size += value ** 2;
    }),
  );
  return Number.isNaN(error) ? Infinity : error / size;
}
