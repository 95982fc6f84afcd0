import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** The kernels in another V8 than Node's: `npm test -- --only kernels` runs this in Electron. */
export default defineConfig({
  test: {
    include: [
      'src-main/engine/executors/ops.test.ts',
      'src-main/engine/executors/wasm/{attention,kernel-choice,lent-logits,quantized-linear,smollm2.model,threads}.test.ts',
      'src-main/hosts/node/wide-kernels.fused.ts',
    ],
    pool: 'forks',
    isolate: false,
    maxWorkers: availableParallelism(),
    environment: 'node',
    globalSetup: ['scripts/lib/vitest-global-setup.ts'],
    testTimeout: 60_000,
  },
});
