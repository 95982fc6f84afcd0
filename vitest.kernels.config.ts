import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { KERNEL_TESTS } from './scripts/lib/kernel-tests.ts';

/** The kernels in another V8 than Node's: `npm test -- --only kernels` runs this in Electron. */
export default defineConfig({
  test: {
    include: [...KERNEL_TESTS, 'src-main/hosts/node/wide-kernels.fused.ts'],
    pool: 'forks',
    isolate: false,
    maxWorkers: availableParallelism(),
    environment: 'node',
    globalSetup: ['scripts/lib/vitest-global-setup.ts'],
    testTimeout: 60_000,
  },
});
