import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { nodeKernelThreads } from '../../../hosts/node/kernel-threads.ts';
import { measurementsFile } from '../../../hosts/node/measurements-file.ts';
import { nodePlatform } from '../../../hosts/node/node-platform.ts';
import { InferenceEngine, type LoadOptions } from '../../index.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../../test-support/model-files.ts';
import type { KernelsInfo, ModelInfo } from '../../types.ts';

async function temporaryFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenscope-measured-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, 'measurements.json');
}

/** What a fresh engine with two threads says of its kernels. */
async function loaded(path: string, options: LoadOptions = {}): Promise<KernelsInfo> {
  const platform = { ...nodePlatform(measurementsFile(path)), threads: { ...nodeKernelThreads(), available: 2 } };
  const engine = new InferenceEngine(platform);
  const info: ModelInfo = await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR), options);
  await engine.unload();
  return info.kernels!;
}

it('times threads once for each model, and goes by that the next time', async () => {
  const path = await temporaryFile();
  const first = await loaded(path);
  expect(first.reason).toMatch(/^measured: one token takes /);
  const second = await loaded(path);
  expect(second.reason).toBe(first.reason.replace('measured', 'measured before on this computer'));
  expect(second.decodeThreads).toBe(first.decodeThreads);

  const times = /"numbers":\[([^,\]]+),([^\]]+)\]/g;
  await writeFile(path, (await readFile(path, 'utf8')).replace(times, '"numbers":[$2,$1]'));
  expect((await loaded(path)).decodeThreads).toBe(first.decodeThreads === 1 ? 2 : 1);
});

it('measures anew, and writes, where the file is none', async () => {
  const path = await temporaryFile();
  for (const text of ['', '{"', 'null', '[[1, 2]]', '{"a":{"at":1,"numbers":"1"}}']) {
    await writeFile(path, text);
    expect((await loaded(path)).reason).toMatch(/^measured: /);
    expect((await loaded(path)).reason).toMatch(/^measured before on this computer: /);
  }
});

it('times no threads where the number of threads is asked for', async () => {
  const path = await temporaryFile();
  expect(await loaded(path, { threads: 2 })).toMatchObject({ decodeThreads: 2, reason: /as many threads/ });
  expect(await readFile(path, 'utf8').catch(() => '')).not.toContain('threads');
});
