import { defineConfig } from '@playwright/test';
import type { HostOptions } from './e2e/support/test.ts';

const onlyElectron = ['**/electron-*.spec.ts', '**/packaged.spec.ts'];
const onlyWeb = ['**/web-*.spec.ts'];
/**
 * What these test is the same in both hosts, the page or the services below it: only the full run has them in both.
 */
const inElectron = [
  'accessibility',
  'attachments',
  'catalogue',
  'chat-template',
  'compare',
  'compare-export',
  'compare-focus',
  'compare-tokens',
  'context-window',
  'conversations',
  'grammar',
  'habits',
  'idle',
  'inside',
  'inside-export',
  'inside-lesson',
  'inside-pair',
  'keyboard',
  'kills',
  'last-model',
  'long-chats',
  'markdown',
  'messages',
  'model-library',
  'model-memory',
  'notebook',
  'open-model',
  'other-model',
  'out-of-memory',
  'prefix-cache',
  'presets',
  'rates',
  'read-only',
  'receipts',
  'reset',
  'sampling',
  'stop-reasons',
  'token-branch',
  'token-view',
  'tokenizer-view',
  'unreadable-files',
  'upgrade',
  'waterfall',
].map(specFile);
const inWeb = ['chat-storage'].map(specFile);
/** Without a server, in the full run: what needs no files on disk. Tests tagged `@services` call the services of a host. */
const onSite = [
  'chat',
  'keyboard',
  'messages',
  'notebook',
  'sampling',
  'smoke',
  'stop-reasons',
  'token-branch',
  'waterfall',
].map(specFile);
const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';

function specFile(name: string): string {
  return `**/${name}.spec.ts`;
}

export default defineConfig<HostOptions>({
  testDir: 'e2e',
  outputDir: 'test-results/e2e',
  globalSetup: './e2e/support/global-setup.ts',
  timeout: 60_000,
  expect: { timeout: 10_000 },
  // A test that needs a second try is a failure.
  retries: 0,
  // On Linux, `npm test` runs two at once, but for those that measure something (scripts/test.ts).
  workers: 1,
  // Cases of a kind that the other tests have some of.
  ...(isFull ? {} : { grepInvert: /@full/ }),
  forbidOnly: Boolean(process.env.CI),
  reporter: [['list'], ['json', { outputFile: process.env.TOKENSCOPE_E2E_REPORT ?? 'test-results/e2e.json' }]],
  projects: [
    { name: 'electron', use: { host: 'electron' }, testIgnore: [...onlyWeb, ...(isFull ? [] : inWeb)] },
    {
      name: 'web',
      use: { host: 'web' },
      testIgnore: [...onlyElectron, ...(isFull ? [] : inElectron)],
      // The same for single tests of files that run in both.
      ...(isFull ? {} : { grepInvert: /@full|@once/ }),
    },
    ...(isFull ? [{ name: 'site', use: { host: 'site' as const }, testMatch: onSite, grepInvert: /@services/ }] : []),
  ],
});
