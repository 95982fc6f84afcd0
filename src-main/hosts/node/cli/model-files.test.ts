/** Commands with models at arbitrary paths. */
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hfFolderBytes } from '../../../engine/test-support/hf-fixtures.ts';
import { createFile } from './new-file.ts';
import { BUILT_ENGINE_WORKER } from '../test-support/built-engine-worker.ts';
import { Output } from './output.ts';
import { runCli } from './program.ts';

let dir: string;
const path = (name: string) => join(dir, name);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tokenscope-models-'));
  await mkdir(path('llama'));
  for (const [name, bytes] of Object.entries(hfFolderBytes('llama'))) await writeFile(path(`llama/${name}`), bytes);
});
afterAll(async () => {
  for (const folder of [dir, `${dir}-measured`]) await rm(folder, { recursive: true, force: true });
});

async function tokenscope(
  args: readonly string[],
  signal = new AbortController().signal,
  workerUrl = BUILT_ENGINE_WORKER,
) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const texts = [out, err].map((stream) => {
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    return () => Buffer.concat(parts).toString();
  });
  const code = await runCli(args, {
    stdin: new PassThrough(),
    out: new Output(out, () => undefined),
    err: new Output(err, () => undefined),
    signal,
    workerUrl,
    measurementsPath: join(`${dir}-measured`, 'measurements.json'),
    modelsDir: path('none'),
  });
  return { code, out: texts[0](), err: texts[1]() };
}

async function json(...args: string[]): Promise<unknown> {
  const { code, out, err } = await tokenscope([...args, '--json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
}

describe('tokenscope info', () => {
  it('describes a folder and its memory needs', async () => {
    expect(await json('info', path('llama'))).toMatchObject({
      id: 'llama',
      architecture: 'llama',
      format: 'safetensors',
      parameters: 170_432,
      contextSize: 512,
      tensorTypes: [{ type: 'F32', tensors: 30, bytes: 681_728 }],
      tokenizer: 'tokenizer.json',
      chatTemplate: expect.stringContaining('<|im_start|>') as string,
      eosTokenIds: [314, 317],
      // The kernels reserve the first 64 KiB of their memory.
      memory: [{ contextSize: 512, weights: 681_728 + 65_536, kvCache: 512 * 3 * 2 * 32 * 4 }],
    });
    const { out } = await tokenscope(['info', path('llama')]);
    expect(out).toMatch(/^llama\n {2}architecture {2}llama\n {2}parameters {4}170,432\n/);
    expect(out).toContain('512 tokens');
  });

  it('names what is missing', async () => {
    expect(await tokenscope(['info', path('none.gguf')])).toMatchObject({
      code: 1,
      err: `tokenscope: ${path('none.gguf')} does not exist.\n`,
    });
  });
});

it.each([['run'], ['score'], ['inspect'], ['chat'], ['compare']])(
  '%s says which path does not exist',
  async (command) => {
    const args = command === 'chat' ? [] : ['Hello'];
    expect(await tokenscope([command, ...args, '--model', path('none.gguf')])).toMatchObject({
      code: 1,
      err: `tokenscope: ${path('none.gguf')} does not exist.\n`,
    });
  },
);

it.each([['run'], ['score']])('%s says why the thread of its engine ended', async (command) => {
  const noWorker = new URL('./no-such-worker.mjs', import.meta.url);
  const args = [command, 'Hello', '--model', path('llama'), '--json'];
  const { code, err } = await tokenscope(args, undefined, noWorker);
  expect(code).toBe(1);
  const message = expect.stringMatching(/^The engine thread failed: [^]*no-such-worker/) as string;
  expect(JSON.parse(err)).toMatchObject({ error: { code: 'BACKEND_LOST', message } });
});

describe('tokenscope quantize', () => {
  it('writes a file that every command accepts, and shows progress', async () => {
    const written = await tokenscope(['quantize', path('llama'), path('llama.gguf'), 'q8_0']);
    expect(written).toMatchObject({ code: 0, out: expect.stringMatching(/tensors: 23 x Q8_0, 7 x F32\n$/) as string });
    expect(written.err).toMatch(/^10 %: tensor .*\n[^]*100 %: tensor 30 of 30, /);
    expect((await readFile(path('llama.gguf'))).subarray(0, 4).toString()).toBe('GGUF');
    expect(await readdir(dir)).toEqual(['llama', 'llama.gguf']);

    expect(await json('info', path('llama.gguf'))).toMatchObject({ id: 'llama', format: 'GGUF', parameters: 170_432 });
    const ids = [315, 39, 68, 279];
    for (const model of [path('llama'), path('llama.gguf')]) {
      expect(await json('tokenize', 'Hello', '--model', model)).toMatchObject({ ids: expect.any(Array) as number[] });
      const run = ['run', 'Hello world', '--model', model, '--max-tokens', '3', '--temperature', '0'];
      expect(await json(...run)).toMatchObject({ model: 'llama', reply: { ids: expect.any(Array) as number[] } });
      const score = (await json('score', 'Hello world', '--model', model)) as { ids: number[]; perplexity: number };
      expect(score.perplexity).toBeGreaterThan(1);
      expect(await json('inspect', 'Hello', '--model', model, '--max-tokens', '2')).toHaveProperty('layers.length', 3);
      expect(await json('detokenize', ...ids.map(String), '--model', model)).toHaveProperty('text');
    }
  }, 120_000);

  it('does not overwrite a file, and leaves no partial one', async () => {
    await writeFile(path('there.gguf'), 'mine');
    const refused = await tokenscope(['quantize', path('llama'), path('there.gguf'), 'F16']);
    expect(refused.err).toBe(`tokenscope: ${path('there.gguf')} already exists. Delete it, or choose another name.\n`);
    expect(await readFile(path('there.gguf'), 'utf8')).toBe('mine');

    const before = await readdir(dir);
    expect((await tokenscope(['quantize', path('llama'), path('new.gguf'), 'Q9'])).err).toContain('Choose one of F32');
    const stopped = new AbortController();
    stopped.abort();
    const interrupted = await tokenscope(['quantize', path('llama'), path('new.gguf'), 'F16'], stopped.signal);
    expect(interrupted.code).toBe(130);
    expect(await readdir(dir)).toEqual(before);
  });

  it('leaves no partial file of a model with a damaged weight', async () => {
    await mkdir(path('damaged'));
    for (const [name, bytes] of Object.entries(hfFolderBytes('llama'))) {
      const copy = new Uint8Array(bytes);
      // The last weight becomes NaN.
      if (name.endsWith('.safetensors')) copy.set([0, 0, 0xc0, 0x7f], copy.length - 4);
      await writeFile(path(`damaged/${name}`), copy);
    }
    const before = await readdir(dir);
    const refused = await tokenscope(['quantize', path('damaged'), path('new.gguf'), 'Q8_0']);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/\.weight has the value NaN at index \d+\. The model may be damaged/);
    expect(await readdir(dir)).toEqual(before);
  });

  it('reports why a file cannot be written', async () => {
    expect((await tokenscope(['quantize', path('llama'), path('no/new.gguf'), 'F16'])).err).toBe(
      `tokenscope: Cannot write ${path('no/new.gguf')}: its folder does not exist.\n`,
    );
    const handle = await open(path('llama/config.json'));
    const write = vi.spyOn(Object.getPrototypeOf(handle) as typeof handle, 'write');
    await handle.close();
    write.mockRejectedValueOnce(Object.assign(new Error('no space'), { code: 'ENOSPC' }));
    const file = await createFile(path('full.gguf'));
    await expect(file.write(Uint8Array.of(1))).rejects.toMatchObject({
      code: 'STORAGE',
      message: `Cannot write ${path('full.gguf')}: the disk is full.`,
    });
    write.mockRestore();
    await file.discard();
    expect(await readdir(dir)).not.toContain('full.gguf');
  });
});
