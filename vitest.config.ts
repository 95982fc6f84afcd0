import { svelte } from '@sveltejs/vite-plugin-svelte';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { WaitingFirst } from './scripts/lib/test-order.ts';

export default defineConfig({
  plugins: [svelte({ configFile: false })],
  test: {
    include: ['src-main/**/*.test.ts', 'src-renderer/**/*.test.ts', 'scripts/**/*.test.ts'],
    environment: 'node',
    // Processes, because tests read the CPU time of theirs; each runs many files without loading the source anew.
    pool: 'forks',
    isolate: false,
    // One more than there are cores: some tests wait.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: WaitingFirst },
    // Builds what the tests run, when it is missing or stale.
    globalSetup: ['scripts/lib/vitest-global-setup.ts'],
    // More runs of the property tests with `npm run test:full`, and patience.
    setupFiles: ['scripts/lib/vitest-setup.ts'],
    // Against hanging only. The full run has five times as many runs of the property tests.
    testTimeout: process.env.TOKENSCOPE_TEST_FULL === '1' ? 400_000 : 120_000,
    // Some remove a folder with thousands of files, which a busy disk takes more than ten seconds for.
    hookTimeout: 120_000,
    // As `vi.waitFor` in `vitest-setup.ts`.
    expect: { poll: { timeout: 15_000 } },
  },
});
