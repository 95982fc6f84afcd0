/** Interventions on a real model: the kernels against the reference executor. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Intervention } from '../api/inside-types.ts';
import { openModel } from '../models/open-model.ts';
import type { Model } from '../models/model.ts';
import { intervene } from '../program/interventions.ts';
import { CONTEXT, lastLogits, normalisedError } from '../test-support/inside-models.ts';
import { singleFile, testModelPath } from '../test-support/test-model.ts';
import { openWasmModel } from '../test-support/wasm-model.ts';
import type { Executor } from './executor.ts';
import { createReferenceExecutor } from './reference/reference-executor.ts';

/** 8-bit activations in every matrix product: each is off by at most 1/254 of its block's largest. */
const QUANTIZED_NMSE = 1e-2;
const TIMEOUT_MS = 900_000;

const path = await testModelPath();

/** The reference executor takes seconds for each. */
const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';

describe.skipIf(path === null || !isFull)(
  'interventions on SmolLM2 (full run only, with the fetched test model)',
  () => {
    let model: Model;
    let executors: Record<'wasm' | 'reference', Executor>;

    beforeAll(async () => {
      model = await openModel(await singleFile(path!), { contextSize: CONTEXT });
      executors = {
        reference: createReferenceExecutor(model.program, model.weights, { cells: CONTEXT }),
        wasm: (await openWasmModel(await singleFile(path!), { contextSize: CONTEXT })).executor,
      };
    }, TIMEOUT_MS);

    it.each<[string, Intervention[]]>([
      ['a head off', [{ kind: 'head', layer: 3, head: 5 }]],
      ['attention off', [{ kind: 'attention', layer: 12 }]],
      ['feed-forward off', [{ kind: 'feed_forward', layer: 20 }]],
      ['no positions', [{ kind: 'positions' }]],
      ['no causal mask', [{ kind: 'causal_mask' }]],
    ])(
      '%s: the kernels give what the reference gives',
      async (_, interventions) => {
        const ids = model.tokenizer.encode('The quick brown fox jumps over the');
        const program = intervene(model.program, interventions);
        const expected = await lastLogits(executors.reference, ids, { program });
        const found = await lastLogits(executors.wasm, ids, { program });
        expect(normalisedError(found, expected)).toBeLessThan(QUANTIZED_NMSE);
        expect(normalisedError(await lastLogits(executors.wasm, ids), found)).toBeGreaterThan(1e-6);
      },
      TIMEOUT_MS,
    );
  },
);
