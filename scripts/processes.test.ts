import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

/** Exits some time after the first SIGTERM, with the number of signals as exit code. */
const COUNTS = `
  let count = 0;
  process.on('SIGTERM', () => ++count === 1 && setTimeout(() => process.exit(10 + count), 700));
  require('fs').writeFileSync(process.argv[1], '');
  setInterval(() => undefined, 1000);`;

/** In a process of its own: a test runner's process has other listeners for the signal, which end it. */
const FOREGROUND = `
  import { runForeground } from ${JSON.stringify(new URL('lib/processes.ts', import.meta.url).href)};
  // Between two readings, 50 ms pass: the second signal may be late on a busy machine.
  let now = 0;
  Object.defineProperty(performance, 'now', { value: () => (now += 50) });
  process.exit(await runForeground(process.execPath, ['-e', process.argv[1], process.argv[2]]));`;

test.skipIf(process.platform === 'win32')('one Ctrl-C that arrives twice is forwarded once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenscope-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const ready = join(folder, 'ready');
  const args = ['--import', 'tsx', '--input-type=module', '-e', FOREGROUND, COUNTS, ready];
  const foreground = spawn(process.execPath, args, { stdio: 'inherit' });
  const exit = once(foreground, 'exit');
  await expect.poll(() => existsSync(ready)).toBe(true);
  // npm's copy arrives a moment after the terminal's own.
  foreground.kill('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 50));
  foreground.kill('SIGINT');
  expect(await exit).toEqual([11, null]);
});
