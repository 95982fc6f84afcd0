/** When the executor considers a GPU lost, and what it refuses. The GPU computes nothing. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { EngineError } from '../../api/errors.ts';
import type { GpuDevice } from '../../api/gpu.ts';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import { openGpuModel } from '../../test-support/gpu-model.ts';
import { imaginedGpu } from '../../test-support/imagined-gpu.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../../test-support/model-files.ts';
import { batchOf } from '../batch.ts';
import type { Batch, Executor } from '../executor.ts';

const CONTEXT = 1000;
/** Of at most 256 tokens, for that many. */
const SLICES = 4;
const HANG_MS = 30;

async function executorOn(change: (device: GpuDevice) => Partial<GpuDevice>): Promise<Executor> {
  const { device, adapter } = imaginedGpu();
  const opened = { device: { ...device, ...change(device) }, adapter };
  const options = { contextSize: CONTEXT, hangMs: HANG_MS };
  return (await openGpuModel(await nodeModelFiles(TINY_TRANSFORMER_DIR), opened, options)).executor;
}

function batchOfTokens(count: number): Batch {
  const ids = Array.from({ length: count }, (_, id) => id);
  return batchOf([new KvCache(CONTEXT).append(0, ids)]);
}

it.each([
  [20, 'waits for each slice of a prompt', 'done'],
  [40, 'gives up when a slice takes too long', 'BACKEND_LOST'],
])('%i ms: %s', async (sliceMs, _name, expected) => {
  const onSubmittedWorkDone = () => new Promise<undefined>((resolve) => setTimeout(resolve, sliceMs));
  const executor = await executorOn(({ queue }) => ({ queue: { ...queue, onSubmittedWorkDone } }));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const outcome = executor.run(batchOfTokens(CONTEXT), { logits: [] }).then(
    () => 'done',
    (error: unknown) => EngineError.from(error).code,
  );
  await vi.advanceTimersByTimeAsync(SLICES * sliceMs);
  expect(await outcome).toBe(expected);
  expect(executor.failed).toBe(expected !== 'done');
});

it('gives up when the commands that read all logits are rejected', async () => {
  let fault: { message: string } | null = null;
  const executor = await executorOn(() => ({ popErrorScope: () => Promise.resolve(fault) }));
  const { logits } = await executor.run(batchOfTokens(1), { logits: [0], lend: true, bestFirst: true });
  const best = await logits[0].lend();
  expect(best.known).toBeLessThan(best.size);
  fault = { message: 'out of memory' };
  await expect(best.all()).rejects.toMatchObject({ code: 'BACKEND_LOST', details: { reason: 'out of memory' } });
  expect(executor.failed).toBe(true);
});

it('refuses profiles without timestamp queries', async () => {
  const executor = await executorOn(() => ({}));
  const running = executor.run(batchOfTokens(1), { logits: [0], profile: true });
  const message = expect.stringContaining('no timestamp queries') as string;
  await expect(running).rejects.toMatchObject({ code: 'BAD_REQUEST', message });
  expect(executor.failed).toBe(false);
});
