/** The benchmark in separate processes, on the built-in model: its output, not its speed. */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const CLI = fileURLToPath(new URL('../../../../out/main/cli.js', import.meta.url));
const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
const SHORT = '--prompt 16 --generate 4 --repeat 1'.split(' ');

function bench(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, [CLI, 'bench', 'tiny-transformer', ...SHORT, ...args]);
}

describe('tokenscope bench', () => {
  it('outputs medians, lanes and a profile as JSON, and reports what does not fit', async () => {
    const { stdout, stderr } = await bench('--context', '4,2048', '--lanes', '2', '--profile', '--json');
    const result = JSON.parse(stdout);
    const rate = (tokens: number) => ({ tokens, tokensPerSecond: expect.any(Number) });
    expect(result).toMatchObject({
      executor: 'wasm',
      kernels: expect.any(String),
      prefill: rate(16),
      decode: [{ context: 4, ...rate(4) }],
      lanes: [{ lanes: 2, ...rate(4) }],
      profile: { prefill: { tokens: 16 }, ceilings: expect.any(Array) },
    });
    expect(stderr).toContain("2048 + 4 tokens does not fit the model's context of 1000 tokens");
    expect(result.peakBytes).toBeGreaterThan(0);
    // All computation is accounted for, and nothing is faster than the machine.
    const { ops, ms } = result.profile.decode as { ops: { ms: number; bytes: number; name: string }[]; ms: number };
    const busy = ops.reduce((sum, op) => sum + op.ms, 0);
    expect(busy).toBeGreaterThan(0);
    expect(busy).toBeLessThanOrEqual(ms);
    expect(ops.some(({ name, bytes }) => name.startsWith('linear') && bytes > 0)).toBe(true);
  });

  it.skipIf(!isFull)(
    'outputs a table with the machine and its choices, also for the other executor (in the full run)',
    async () => {
      const wasm = await bench('--context', '4');
      const why = availableParallelism() > 1 ? 'measured' : 'only one thread is available';
      expect(wasm.stdout).toMatch(new RegExp(`\\n {2}decode on \\d+ threads?: ${why}`));
      expect(wasm.stdout).toContain('\n  weights read in 4 streams: float32 weights always use 4 streams\n');
      const { stdout } = await bench('--context', '4', '--executor', 'reference');
      expect(stdout).toMatch(/reference executor, 1 thread\n\n/);
      expect(stdout).toMatch(/decode 4 tokens after 4 +\d+\.\d/);
      expect(stdout).toContain(`Node ${process.versions.node}`);
    },
  );
});
