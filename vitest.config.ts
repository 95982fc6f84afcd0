import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte({ configFile: false })],
  test: {
    include: ['src-main/**/*.test.ts', 'src-renderer/**/*.test.ts', 'scripts/**/*.test.ts'],
    environment: 'node',
    // More runs of the property tests with `npm run test:full`.
    // The kernels that the engine's tests run on are built when they are missing or stale.
    globalSetup: ['scripts/lib/vitest-global-setup.ts'],
    setupFiles: ['scripts/lib/vitest-setup.ts'],
    testTimeout: 20_000,
  },
});
