/** CPU usage of an idle engine, measured in a separate process. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { MeasuredIdle } from './test-support/measure-idle.ts';

const SCRIPT = fileURLToPath(new URL('test-support/measure-idle.mjs', import.meta.url));
const TINY_TRANSFORMER = fileURLToPath(new URL('../../../resources/models/tiny-transformer', import.meta.url));
const SETTLE_MS = 1000;
const WINDOW_MS = 1000;

it('after a reply, two kernel threads take less than a hundredth of one core', async () => {
  const args = [SCRIPT, TINY_TRANSFORMER, String(SETTLE_MS), String(WINDOW_MS)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const { threads, tokens, shares } = JSON.parse(stdout) as MeasuredIdle;
  console.info(`${shares.map((share) => (100 * share).toFixed(3)).join(', ')} % of one core while idle`);
  expect(threads).toBe(2);
  expect(tokens).toBeGreaterThan(20);
  // V8 may collect garbage in one or two of them; threads that spin do so in all.
  expect(Math.min(...shares)).toBeLessThan(0.01);
});
