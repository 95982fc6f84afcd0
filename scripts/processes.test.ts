import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runForeground } from './lib/processes.ts';

/** Exits some time after the first SIGTERM, with the number of signals as exit code. */
const COUNTS = `
  let count = 0;
  process.on('SIGTERM', () => ++count === 1 && setTimeout(() => process.exit(10 + count), 700));
  require('fs').writeFileSync(process.argv[1], '');
  setInterval(() => undefined, 1000);`;

test.skipIf(process.platform === 'win32')('one Ctrl-C that arrives twice is forwarded once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenscope-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const ready = join(folder, 'ready');
  const code = runForeground(process.execPath, ['-e', COUNTS, ready]);
  await expect.poll(() => existsSync(ready), { timeout: 10_000 }).toBe(true);
  // npm's copy arrives a moment after the terminal's own.
  process.emit('SIGINT', 'SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.emit('SIGINT', 'SIGINT');
  expect(await code).toBe(11);
});
