import { expect, it } from 'vitest';
import { describeModel } from '../../index.ts';
import { engineOverhead } from '../../models/memory-estimate.ts';
import { countedBuffers, UNIFORM_BYTES } from '../../test-support/counted-buffers.ts';
import { gpuInFullRun, sharedDevice } from '../../test-support/gpu.ts';
import { openGpuModel } from '../../test-support/gpu-model.ts';
import { filesOf } from '../../test-support/inside-models.ts';

const gpu = await gpuInFullRun();

it.skipIf(gpu === null).each(['llama', 'llama-d256.Q4_K_M', 'llama-d256.Q2_K'])(
  'the estimated memory of %s is that of its buffers (in the full run, with an adapter)',
  { timeout: 400_000 },
  async (name) => {
    const files = await filesOf(name);
    const { gpuMemory = [], vocabularySize } = await describeModel(files);
    const [{ contextSize, total, weights, kvCache }] = gpuMemory;
    const { device, adapter } = await sharedDevice(gpu!);
    const { counted, total: created } = countedBuffers(device);
    const { executor } = await openGpuModel(files, { device: counted, adapter }, { contextSize });
    expect(executor.memoryBytes).toMatchObject({ weights, kvCache });
    const onGpu = total - engineOverhead(vocabularySize, null);
    expect(created()).toBeGreaterThanOrEqual(onGpu);
    expect(created()).toBeLessThan(onGpu + UNIFORM_BYTES);
    await executor.dispose();
  },
);
