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
  // Several tests measure time; two apps at once would disturb each other on two cores.
  workers: 1,
  forbidOnly: Boolean(process.env.CI),
  reporter: [['list'], ['json', { outputFile: 'test-results/e2e.json' }]],
  projects: [
    { name: 'electron', use: { host: 'electron' }, testIgnore: onlyWeb },
    { name: 'web', use: { host: 'web' }, testIgnore: onlyElectron },
  ],
});
