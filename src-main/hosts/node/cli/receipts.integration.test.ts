/** `run --receipt` and `verify` with the built engine: needs `npm run build`. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PRESETS } from '../../../../src-renderer/features/chat/sampling/presets.ts';
import { SAMPLING_SETTINGS } from '../../../engine/settings/sampling.ts';
import { tinyGguf } from '../../../engine/test-support/tiny-gguf.ts';
import { makeReceipt, type Receipt } from '../../../protocol/engine/receipt/receipt.ts';
import { measurementsPath } from '../../../services/data-folder.ts';
import { BUILT_ENGINE_WORKER } from '../test-support/built-engine-worker.ts';
import type { CliContext } from './context.ts';
import { flagName } from './options/setting-options.ts';
import { Output } from './output.ts';
import { runCli } from './program.ts';

/** Each loads the model twice. The normal run has a text with many flags and a chat; `repeat-reply.test.ts` has all presets. */
const REPLIES = process.env.TOKENSCOPE_TEST_FULL === '1' ? Array.from({ length: 50 }, (_, at) => at) : [2, 3];
const TIMEOUT_MS = 900_000;

const folder = mkdtempSync(join(tmpdir(), 'tokenscope-receipts-'));
const path = (name: string) => join(folder, name);
beforeAll(() => void vi.stubEnv('TOKENSCOPE_DATA_DIR', folder));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const MODELS = fileURLToPath(new URL('../../../../resources/models', import.meta.url));

const tokenscope = (...args: string[]) => runWith({}, args);
/** Nobody reads the output. */
const unread = (...args: string[]) => {
  const error = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
  const out = new Writable({ write: (_chunk, _encoding, done) => done(error) });
  return runWith({ out: new Output(out, () => undefined) }, args);
};

async function runWith(context: Partial<CliContext>, args: readonly string[]) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const output = { out: '', err: '' };
  out.setEncoding('utf8').on('data', (text: string) => (output.out += text));
  err.setEncoding('utf8').on('data', (text: string) => (output.err += text));
  const code = await runCli(args, {
    stdin: new PassThrough().end(''),
    out: new Output(out, () => undefined),
    err: new Output(err, () => undefined),
    signal: new AbortController().signal,
    workerUrl: BUILT_ENGINE_WORKER,
    modelsDir: MODELS,
    measurementsPath: measurementsPath(folder),
    ...context,
  });
  await Promise.all([finished(out.end()), finished(err.end())]);
  return { code, ...output };
}

let made = 0;
async function receiptOf(...args: string[]): Promise<string> {
  const file = path(`${++made}.receipt.json`);
  const { code, err } = await tokenscope('run', ...args, '--receipt', file);
  expect(code, err).toBe(0);
  return file;
}

const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as Receipt;

function changed(file: string, change: (receipt: Receipt) => void): string {
  const receipt = read(file);
  change(receipt);
  const target = path(`changed-${++made}.json`);
  writeFileSync(target, JSON.stringify(receipt));
  return target;
}

/** A receipt with other parts and matching digests. */
function forged(file: string, change: (receipt: Receipt) => void): string {
  const receipt = read(file);
  change(receipt);
  const target = path(`forged-${++made}.json`);
  writeFileSync(target, JSON.stringify(makeReceipt(receipt)));
  return target;
}

function presetFlags({ sampling }: (typeof PRESETS)[number]): string[] {
  const table: Readonly<Record<string, { flag?: string }>> = SAMPLING_SETTINGS;
  return Object.entries(sampling).flatMap(([key, value]) => [flagName(table[key]?.flag ?? key), String(value)]);
}

describe('verify', { timeout: TIMEOUT_MS }, () => {
  it(`finds ${REPLIES.length} replies with presets identical`, async () => {
    for (const reply of REPLIES) {
      const preset = PRESETS[reply % PRESETS.length];
      const chat = reply % 4 === 3 ? ['--chat', '--when-full', 'shift'] : [];
      const file = await receiptOf('Once upon a time', '--max-tokens', '24', ...presetFlags(preset), ...chat);
      const { code, out } = await tokenscope('verify', file);
      expect({ code, out }, preset.label).toEqual({
        code: 0,
        out: expect.stringMatching(/^Identical: \d+ tokens?\.\n$/) as string,
      });
    }
  });

  it('names a different number of threads, executor and cache type, and still compares', async () => {
    const file = await receiptOf('Once upon a time', '--max-tokens', '8', '--greedy', '--threads', '2');
    const threads = await tokenscope('verify', file, '--threads', '1');
    expect(threads).toMatchObject({ code: 0, err: '' });
    expect(threads.out).toBe('Identical: 8 tokens.\nthreads: recorded 2, now 1 (does not change the reply)\n');
    const executor = await tokenscope('verify', file, '--executor', 'reference', '--json');
    expect(executor.code).toBe(0);
    expect(JSON.parse(executor.out)).toEqual({
      result: 'identical',
      divergesAt: null,
      tokens: 8,
      differences: [{ what: 'executor', recorded: 'wasm', now: 'reference', effect: 'possible' }],
    });
    const { out } = await tokenscope('verify', file, '--cache-type', 'f16');
    expect(out).toContain('KV cache type: recorded f32, now f16');
  });

  it('opens no path that a receipt names', async () => {
    const file = await receiptOf('Once upon a time', '--max-tokens', '4', '--greedy');
    cpSync(join(MODELS, 'tiny-transformer'), path('copy'), { recursive: true });
    const start = process.cwd();
    process.chdir(folder);
    try {
      // The last one is a valid id.
      for (const id of [path('copy'), './copy', 'copy']) {
        const { code, out, err } = await tokenscope(
          'verify',
          forged(file, ({ model }) => (model.id = id)),
        );
        expect({ code, out }, id).toEqual({ code: 1, out: '' });
        expect(err).toContain(`There is no model "${id}". Models: tiny-transformer. Use --model with the path of`);
      }
    } finally {
      process.chdir(start);
    }
  });

  it('uses no more threads than the computer runs at once, unless told to', async () => {
    const cores = availableParallelism();
    const file = await receiptOf('Once upon a time', '--max-tokens', '4', '--greedy', '--threads', '1');
    const hostile = forged(file, ({ conditions }) => (conditions.kernels!.threads = 64));
    const verification = await tokenscope('verify', hostile);
    expect(verification.code).toBe(0);
    if (cores < 64) expect(verification.out).toContain(`threads: recorded 64, now ${cores} (does not change`);
    expect((await tokenscope('verify', hostile, '--threads', '1')).out).toContain('threads: recorded 64, now 1 ');
  });

  it('exits with 0 only if somebody could read the result', async () => {
    const file = await receiptOf('Once upon a time', '--max-tokens', '4', '--greedy');
    expect((await unread('verify', file)).code).toBe(141);
    const other = forged(file, ({ reply }) => reply.ids.pop());
    expect((await unread('verify', other)).code).toBe(1);
    expect(
      (
        await unread(
          'verify',
          changed(file, ({ reply }) => reply.ids.pop()),
          '--json',
        )
      ).code,
    ).toBe(2);
  });

  it('generates nothing with another model file, and names it', async () => {
    const model = path('other.gguf');
    writeFileSync(model, await tinyGguf('llama'));
    const file = await receiptOf('Once upon a time', '--max-tokens', '4');
    const { code, out } = await tokenscope('verify', file, '--model', model, '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).not.toHaveProperty('divergesAt');
    expect(JSON.parse(out)).toMatchObject({
      result: 'other_model',
      // Its window is smaller than that of the receipt.
      differences: [{ what: 'model file' }, { what: 'context size' }],
    });
    // For a model outside the library, the error names the file.
    const own = await receiptOf('abc', '--max-tokens', '4', '--greedy', '--model', model);
    const missing = await tokenscope('verify', own);
    expect(missing.code).toBe(1);
    expect(missing.err).toContain(`Use --model with the path of`);
    expect(missing.err).toContain(read(own).model.files[0].sha256);
    expect(await tokenscope('verify', own, '--model', model)).toMatchObject({ code: 0, out: 'Identical: 4 tokens.\n' });
  });

  it('refuses a changed receipt, naming the part, and files that are not receipts', async () => {
    const file = await receiptOf('Once upon a time', '--max-tokens', '4');
    const changes: [string, (receipt: Receipt) => void][] = [
      ['reply', ({ reply }) => reply.ids.pop()],
      ['promptIds', ({ promptIds }) => promptIds.push(1)],
      ['request', ({ request }) => (request.sampling.temperature = 0)],
      ['model', ({ model }) => (model.files[0].sha256 = '0'.repeat(64))],
      ['conditions', ({ conditions }) => (conditions.contextSize = 5)],
    ];
    for (const [part, change] of changes) {
      const target = changed(file, change);
      expect(await tokenscope('verify', target)).toEqual({
        code: 2,
        out: '',
        err: `tokenscope: ${target} has been changed since it was written. The part "${part}" does not match its SHA-256.\n`,
      });
    }
    const json = await tokenscope('verify', changed(file, changes[0][1]), '--json');
    expect(JSON.parse(json.out)).toMatchObject({ result: 'tampered' });
    writeFileSync(path('text.json'), 'no JSON');
    for (const [name, reason] of [
      ['text.json', 'It is not JSON.'],
      ['none.json', 'The file does not exist.'],
    ] as const) {
      const err = `tokenscope: ${path(name)} is not a receipt. ${reason}\n`;
      expect(await tokenscope('verify', path(name))).toEqual({ code: 2, out: '', err });
    }
  });

  it('shows where a reply differs, with both texts', async () => {
    const file = await receiptOf('Once upon a time', '--max-tokens', '8', '--temperature', '1.5', '--seed', '1');
    const other = await receiptOf('Once upon a time', '--max-tokens', '8', '--temperature', '1.5', '--seed', '2');
    // The digests match, so only the model can tell.
    const swapped = forged(file, (receipt) => (receipt.reply = read(other).reply));
    const at = read(file).reply.ids.findIndex((id, i) => id !== read(other).reply.ids[i]);
    const json = await tokenscope('verify', swapped, '--json');
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({ result: 'differs', divergesAt: at, recorded: {}, repeated: {} });
    const { code, out } = await tokenscope('verify', swapped);
    expect(code).toBe(1);
    expect(out).toMatch(
      new RegExp(`^Differs from token ${at + 1} of 8\\.\nRecorded: ".*" \\(token \\d+\\)\nRepeated: ".*"`),
    );
  });
});

describe('run --receipt', { timeout: TIMEOUT_MS }, () => {
  it('is refused without a file name, before the reply', async () => {
    for (const name of ['', path('new/')]) {
      const { code, out, err } = await tokenscope('run', 'Once', '--receipt', name);
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toContain('Add a file name.');
    }
  });

  it('keeps an existing file, and leaves none after a failure', async () => {
    const file = await receiptOf('Once', '--max-tokens', '1');
    const before = readFileSync(file, 'utf8');
    const again = await tokenscope('run', 'Once', '--receipt', file);
    expect(again.code).toBe(1);
    expect(again.err).toContain('already exists');
    expect(readFileSync(file, 'utf8')).toBe(before);
    const failed = path('failed.json');
    expect((await tokenscope('run', 'Once', '--model', 'no-such', '--receipt', failed)).code).toBe(1);
    expect(existsSync(failed)).toBe(false);
  });
});
