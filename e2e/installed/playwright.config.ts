/**
 * `npm run test:installers`: the packages in dist/, which are built if they are missing, in a clean Debian. Needs root, for
 * the clean root, and a Debian mirror once.
 */
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: '.',
  testMatch: '*.installed.ts',
  outputDir: '../../test-results/installed',
  globalSetup: './setup.ts',
  timeout: 300_000,
  expect: { timeout: 20_000 },
  retries: 0,
  // They share one machine's package manager and display.
  workers: 1,
  forbidOnly: Boolean(process.env.CI),
  reporter: [['list'], ['json', { outputFile: '../../test-results/installed.json' }]],
});
