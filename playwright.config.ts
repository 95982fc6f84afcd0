import { defineConfig } from '@playwright/test';
import type { HostOptions } from './e2e/support/test.ts';

const onlyElectron = ['**/electron-*.spec.ts', '**/packaged.spec.ts'];
const onlyWeb = ['**/web-*.spec.ts'];

export default defineConfig<HostOptions>({
  testDir: 'e2e',
  outputDir: 'test-results/e2e',
  globalSetup: './e2e/support/global-setup.ts',
  timeout: 60_000,
  expect: { timeout: 10_000 },
  // A test that needs a second try is a failure.
  retries: 0,
  // `npm test` runs two at once, but for those that measure something (scripts/test.ts).
  workers: 1,
  forbidOnly: Boolean(process.env.CI),
  reporter: [['list'], ['json', { outputFile: process.env.TOKENSCOPE_E2E_REPORT ?? 'test-results/e2e.json' }]],
  projects: [
    { name: 'electron', use: { host: 'electron' }, testIgnore: onlyWeb },
    { name: 'web', use: { host: 'web' }, testIgnore: onlyElectron },
  ],
});
