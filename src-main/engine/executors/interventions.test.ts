/** Interventions on every executor: against PyTorch for the built-in model, and against each other for all. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Intervention } from '../api/inside-types.ts';
import { intervene, replaceTokens } from '../program/interventions.ts';
import { INTERVENTION_CASES } from '../test-support/intervention-cases.ts';
import {
  ALL_MODELS,
  BUILT_IN,
  gpuModels,
  lastLogits,
  normalisedError,
  referenceModel,
  runWhole,
  someIds,
  wasmModel,
} from '../test-support/inside-models.ts';

interface Golden {
  ids: number[];
  /** Of the last token's logits, every so many are stored. */
  stride: number;
  cases: { interventions: Intervention[]; last_logits: number[]; top: [number, number][][] }[];
}
const golden = JSON.parse(readFileSync(new URL('../fixtures/interventions.json', import.meta.url), 'utf8')) as Golden;

/** Float32 sums in another order; the golden logits have six digits and reach about 15. */
const LOGITS = 2e-4;
/** Float32 sums through all layers: relative errors of about 1e-5, squared. */
const FLOAT32_NMSE = 1e-9;

const gpuModel = await gpuModels();
const EXECUTORS = [
  ['reference', referenceModel] as const,
  ['wasm', wasmModel] as const,
  ...(gpuModel ? [['webgpu', gpuModel] as const] : []),
];

describe.each(EXECUTORS)('interventions on the built-in model, %s', (_, open) => {
  it.each(golden.cases.map((row) => [JSON.stringify(row.interventions), row] as const))(
    'give the logits of PyTorch: %s',
    async (__, { interventions, last_logits, top }) => {
      const { model, executor } = await open(BUILT_IN);
      const ids = replaceTokens(golden.ids, interventions, model.config.vocabularySize);
      const outputs = { logits: [...ids.keys()], program: intervene(model.program, interventions) };
      const { logits } = await runWhole(executor, ids, outputs);
      const found = await Promise.all(logits.map((handle) => handle.read()));
      const last = found.at(-1)!;
      expect(Math.max(...last_logits.map((value, i) => Math.abs(value - last[golden.stride * i])))).toBeLessThan(
        LOGITS,
      );
      top.forEach((row, position) => {
        for (const [id, value] of row) expect(Math.abs(found[position][id] - value)).toBeLessThan(LOGITS);
      });
    },
  );
});

describe('interventions on all architectures', () => {
  const fast = EXECUTORS.slice(1).flatMap(([executor, open]) =>
    ALL_MODELS.map((name) => [name, executor, open] as const),
  );
  it.each(fast)('%s: %s gives what reference gives, and each changes the logits', async (name, _, open) => {
    const [reference, other] = await Promise.all([referenceModel(name), open(name)]);
    const ids = someIds(reference.model, 40);
    const plain = await lastLogits(reference.executor, ids);
    for (const interventions of INTERVENTION_CASES) {
      const program = intervene(reference.model.program, interventions);
      const expected = await lastLogits(reference.executor, ids, { program });
      const found = await lastLogits(other.executor, ids, { program: intervene(other.model.program, interventions) });
      expect(normalisedError(found, expected)).toBeLessThan(FLOAT32_NMSE);
      expect(normalisedError(expected, plain)).toBeGreaterThan(1e-6);
    }
    // The executor's own program is unchanged.
    expect(normalisedError(await lastLogits(other.executor, ids), plain)).toBeLessThan(FLOAT32_NMSE);
  });
});
