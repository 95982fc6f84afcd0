/** CPU usage of an idle engine, measured in a separate process. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { MeasuredIdle } from './test-support/measure-idle.ts';

const SCRIPT = fileURLToPath(new URL('test-support/measure-idle.mjs', import.meta.url));
const TINY_TRANSFORMER = fileURLToPath(new URL('../../../resources/models/tiny-transformer', import.meta.url));
const SETTLE_MS = 1000;
const MEASURED_MS = 3000;

it('after a reply, two kernel threads take less than a hundredth of one core', async () => {
  const args = [SCRIPT, TINY_TRANSFORMER, String(SETTLE_MS), String(MEASURED_MS)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const { threads, tokens, share } = JSON.parse(stdout) as MeasuredIdle;
  console.info(`${(100 * share).toFixed(3)} % of one core while idle`);
  expect(threads).toBe(2);
  expect(tokens).toBeGreaterThan(20);
  expect(share).toBeLessThan(0.01);
}, 60_000);
