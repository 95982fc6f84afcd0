/** The operations on the GPU, by the cases of all executors. */
import { describe, expect, it } from 'vitest';
import { sharedDevice, testGpu } from '../../test-support/gpu.ts';
import { batchOf } from '../batch.ts';
import { caseProgram, OP_CASES, RESULT, takeCells } from '../ops.cases.ts';
import { storeReader } from '../wasm/weights.ts';
import { createWebGpuExecutor } from './webgpu-executor.ts';

const CELLS = 16;

/**
 * Maximum normalised mean square error. WGSL allows exp an error of 3 + 2|x| ULP and a division 2.5, and sums are float32:
 * errors of a few 1.2e-7, squared.
 */
const NMSE = 1e-12;

const gpu = await testGpu();

describe.skipIf(gpu === null)('operations of the executor webgpu (needs an adapter)', () => {
  it.each(OP_CASES.map((opCase) => [opCase.name, opCase] as const))('%s', async (_name, opCase) => {
    const { program, store, inputs, weights } = caseProgram(opCase);
    const executor = await createWebGpuExecutor(program, storeReader(store), {
      device: await sharedDevice(gpu!),
      cells: CELLS,
    });
    const { slots, ids } = takeCells(opCase, CELLS);
    const result = await executor.run(batchOf(slots), { logits: [0], taps: [RESULT] });
    const found = result.taps.get(RESULT)!;
    const expected = ids.flatMap((sequence) => {
      const rows = inputs.map((table) => sequence.map((id) => table[id]));
      return opCase.expected(rows, weights);
    });
    expect(found.shape).toEqual([expected.length, expected[0].length]);
    const flat = expected.flat();
    const error = found.data.reduce((sum, value, i) => sum + (value - flat[i]) ** 2, 0);
    const size = flat.reduce((sum, value) => sum + value ** 2, 0);
    expect(error / (size || 1)).toBeLessThanOrEqual(opCase.tolerance === 0 ? 0 : NMSE);
    await executor.dispose();
  });
});
