/** `tokenscope models …` with its own library and hub. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { hubPath, startDownloadServer, type DownloadServer } from '../../../../../../e2e/support/download-server.ts';
import { rewriteGguf } from '../../../../../engine/test-support/rewrite-gguf.ts';
import { tinyGguf } from '../../../../../engine/test-support/tiny-gguf.ts';
import { exampleEntry } from '../../../../../services/models/test-support/example-entry.ts';
import { withoutNetwork } from '../../../../../services/models/test-support/no-network.ts';
import { temporaryFolder } from '../../../../../services/test-support/support.ts';
import { BUILT_ENGINE_WORKER } from '../../../test-support/built-engine-worker.ts';
import { displayWidth } from '../../format/display-width.ts';
import { Output } from '../../output.ts';
import { runCli } from '../../program.ts';

let folder: string;
let server: DownloadServer;
let bytes: Uint8Array;
let entry: ReturnType<typeof exampleEntry>;

beforeEach(async () => {
  withoutNetwork();
  folder = await temporaryFolder();
  bytes = await tinyGguf('llama');
  entry = exampleEntry({ bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  server = await startDownloadServer();
  const { close } = server;
  onTestFinished(close);
  server.serve(hubPath(entry.repository, entry.revision, entry.file), bytes);
  vi.stubEnv('TOKENSCOPE_DATA_DIR', join(folder, 'data'));
  vi.stubEnv('TOKENSCOPE_CATALOGUE', join(folder, 'catalogue.json'));
  vi.stubEnv('TOKENSCOPE_HUB_MIRROR', server.url);
  vi.stubEnv('TOKENSCOPE_DOWNLOAD_TIMEOUT_MS', '15000');
  vi.stubEnv('HOME', folder);
  vi.stubEnv('USERPROFILE', folder); // On Windows.
  vi.stubEnv('HF_HOME', join(folder, 'hf'));
  await writeCatalogue();
});
afterEach(() => vi.unstubAllEnvs());

async function writeCatalogue(): Promise<void> {
  const hub = 'https://hub.invalid';
  const catalogue = { $schema: './catalogue.schema.json', hub, models: [entry] };
  await writeFile(join(folder, 'catalogue.json'), JSON.stringify(catalogue));
}

interface Options {
  signal?: AbortSignal;
  isTerminal?: boolean;
  /** Width of the terminal. */
  columns?: number;
  /** The reader of the output is gone. */
  isUnread?: boolean;
}

async function tokenscope(args: readonly string[], options: Options = {}) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  if (options.columns !== undefined) Object.assign(err, { isTTY: true, columns: options.columns });
  const texts = [out, err].map((stream) => {
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    return () => Buffer.concat(parts).toString();
  });
  const code = await runCli(args, {
    stdin: new PassThrough(),
    out: new Output(options.isUnread ? hungUp() : out, () => undefined),
    err: new Output(err, () => undefined),
    signal: options.signal ?? new AbortController().signal,
    isTerminal: options.isTerminal ?? false,
    workerUrl: BUILT_ENGINE_WORKER,
    modelsDir: fileURLToPath(new URL('../../../../../../resources/models', import.meta.url)),
  });
  return { code, out: texts[0]!(), err: texts[1]!() };
}

function hungUp(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(), { code: 'EPIPE' })) });
}

const text = (part: string): string => expect.stringContaining(part) as string;

async function json(...args: string[]): Promise<unknown> {
  const { code, out, err } = await tokenscope([...args, '--json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
}

it('shows the catalogue without a request, and downloads a model, which every command then accepts by id', async () => {
  expect(await json('models', 'get')).toMatchObject([
    { id: 'tiny-1m', modelId: null, kvBytesPerToken: 3 * 2 * 16 * 4 },
  ]);
  expect((await tokenscope(['models', 'get'])).out).toMatch(/tiny-1m +1,000,000 +[\d.]+ kB +MIT/);
  expect(server.requests).toEqual([]);

  expect(await json('models', 'get', 'tiny-1m')).toMatchObject({
    phase: 'done',
    modelId: 'tiny-1m',
    hashChecked: true,
  });
  expect(await readdir(join(folder, 'data', 'models'))).toEqual(['tiny.gguf']);
  expect(await json('models')).toMatchObject([
    { id: 'tiny-transformer', isDefault: true },
    { id: 'tiny-1m', name: 'Tiny 1M', source: 'download', catalogueId: 'tiny-1m', lastUsedAt: null, state: 'ok' },
  ]);
  const run = ['run', 'Hello', '--model', 'tiny-1m', '--max-tokens', '2', '--greedy'];
  expect(await json(...run)).toMatchObject({ model: 'tiny-1m', reply: { ids: expect.any(Array) as number[] } });
  expect(await json('models', 'list')).toMatchObject([{}, { lastUsedAt: expect.any(String) as string }]);
  expect(await json('models', 'info', 'tiny-1m')).toMatchObject({
    id: 'tiny-1m',
    architecture: 'llama',
    listing: { source: 'download', sha256: entry.sha256 },
    fit: { verdict: 'fits', contextSize: 512, needed: expect.any(Number) as number },
  });
  expect((await tokenscope(['models', 'info', 'tiny-1m'])).out).toMatch(
    /It fits: it needs .* for a context of 512 tokens/,
  );
  expect(await json('models', 'get')).toMatchObject([{ modelId: 'tiny-1m' }]);
  expect(server.requests).toHaveLength(1);
});

it('shows progress: lines in a file, one updated line in a terminal', async () => {
  const lines = await tokenscope(['models', 'get', 'tiny-1m']);
  expect(lines.err).toMatch(/^Tiny 1M {2}\[\.{24}\] {2}0 % .*connecting\n/);
  expect(lines.err).toContain('100 %');
  expect(lines.out).toBe('Its SHA-256 matches the catalogue. Use it with: --model tiny-1m\n');
  vi.stubEnv('TOKENSCOPE_DATA_DIR', join(folder, 'other'));
  const terminal = await tokenscope(['models', 'get', 'tiny-1m'], { isTerminal: true });
  expect(terminal.err).toMatch(/\r[^\n]*100 %[^\n]*\n$/);
});

it('keeps the updated line narrower than the terminal, where it would wrap', async () => {
  const { err } = await tokenscope(['models', 'get', 'tiny-1m'], { isTerminal: true, columns: 30 });
  const lines = err.trimEnd().split('\r').slice(1);
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) expect(displayWidth(line), line).toBeLessThan(30);
  expect(err).toContain('\rTiny 1M  100 %');
});

it('reports an error, keeps the partial file, and resumes with the same command', async () => {
  const path = hubPath(entry.repository, entry.revision, entry.file);
  server.behave(path, { kind: 'status', status: 404 });
  const gone = await tokenscope(['models', 'get', 'tiny-1m', '--json']);
  expect(gone.code).toBe(1);
  expect(JSON.parse(gone.err)).toMatchObject({
    error: { code: 'MODEL_IO', details: { kind: 'http', httpStatus: 404 } },
  });

  const stopping = new AbortController();
  server.behave(path, { kind: 'stall', afterBytes: 40_000 });
  const stopped = tokenscope(['models', 'get', 'tiny-1m'], { signal: stopping.signal });
  const part = join(folder, 'data/models/tiny.gguf.part');
  await vi.waitFor(async () => expect((await readFile(part)).length).toBeGreaterThan(30_000));
  stopping.abort();
  expect(await stopped).toMatchObject({
    code: 130,
    err: expect.stringContaining('Run the same command again to resume') as string,
  });
  server.behave(path);
  expect((await tokenscope(['models', 'get', 'tiny-1m'])).code).toBe(0);
  expect(server.requests.at(-1)?.range).toMatch(/^bytes=[1-9]\d+-$/);
});

it('outputs JSON when a download is stopped', async () => {
  const path = hubPath(entry.repository, entry.revision, entry.file);
  server.behave(path, { kind: 'stall', afterBytes: 40_000 });
  const stopping = new AbortController();
  const stopped = tokenscope(['models', 'get', 'tiny-1m', '--json'], { signal: stopping.signal });
  const part = join(folder, 'data/models/tiny.gguf.part');
  await vi.waitFor(async () => expect((await readFile(part)).length).toBeGreaterThan(0));
  stopping.abort();
  const { code, out, err } = await stopped;
  expect({ code, out }).toEqual({ code: 130, out: '' });
  expect(JSON.parse(err)).toEqual({
    error: { code: 'CANCELLED', message: text('Run the same command again to resume'), details: {} },
  });
});

it('names the kind of every failure, and leaves no file that looks like a model', async () => {
  const path = hubPath(entry.repository, entry.revision, entry.file);
  const failure = async (...args: string[]) => {
    const { code, out, err } = await tokenscope(['models', 'get', 'tiny-1m', '--json', ...args]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    return (JSON.parse(err) as { error: { code: string; message: string; details: { kind: string } } }).error;
  };
  server.behave(path, { kind: 'otherBytes' });
  expect(await failure()).toMatchObject({ details: { kind: 'hash' }, message: text('It was deleted') });
  server.behave(path, { kind: 'redirect', to: 'http://example.org/model' });
  expect(await failure()).toMatchObject({ details: { kind: 'redirect' } });
  server.behave(path, { kind: 'hang' });
  vi.stubEnv('TOKENSCOPE_DOWNLOAD_TIMEOUT_MS', '300');
  expect(await failure()).toMatchObject({ details: { kind: 'timeout' } });
  vi.stubEnv('TOKENSCOPE_DOWNLOAD_TIMEOUT_MS', '15000');
  const untrusted = await startDownloadServer({ tls: true });
  onTestFinished(() => untrusted.close());
  expect(await failure('--mirror', untrusted.url)).toMatchObject({
    details: { kind: 'tls' },
    message: text('not secure'),
  });
  expect(await failure('--mirror', 'https://hub.invalid')).toMatchObject({
    details: { kind: 'dns' },
    message: text('Cannot find hub.invalid'),
  });
  expect(await failure('--mirror', 'https://hub.invalid', '--proxy', 'http://127.0.0.1:9')).toMatchObject({
    details: { kind: 'proxy' },
  });
  entry = { ...entry, bytes: 10 ** 15 };
  await writeCatalogue();
  expect(await failure()).toMatchObject({
    code: 'STORAGE',
    details: { kind: 'disk' },
    message: text('The download needs another'),
  });
  expect(await readdir(join(folder, 'data/models'))).toEqual([]);
  expect(await json('models', 'list')).toHaveLength(1);
});

it('requires accepting terms, known ids and https addresses', async () => {
  entry = { ...entry, license: { name: 'Terms', url: 'https://example.org/terms', kind: 'terms' } };
  await writeCatalogue();
  const refused = await tokenscope(['models', 'get', 'tiny-1m']);
  expect(refused).toMatchObject({
    code: 1,
    err: expect.stringContaining('Read and accept the terms (Terms, https://') as string,
  });
  expect(refused.err).toContain('Then add --accept-terms.');
  expect((await tokenscope(['models', 'get', 'other'])).err).toContain('The catalogue has no model "other"');
  expect((await tokenscope(['models', 'get', 'tiny-1m', '--mirror', 'http://example.org'])).code).toBe(2);
  expect((await tokenscope(['models', 'get', 'tiny-1m', '--proxy', 'socks5://x:1'])).code).toBe(2);
  expect(server.requests).toEqual([]);
  expect((await tokenscope(['models', 'get', 'tiny-1m', '--accept-terms'])).code).toBe(0);
});

it('adds by reference, reports missing and changed files, locates, verifies, and removes', async () => {
  const path = join(folder, 'Story (1).gguf');
  // Not the file that the catalogue offers.
  const own = bytes.slice();
  own[own.length - 2]! ^= 1;
  await writeFile(path, own);
  expect(await json('models', 'add', path)).toMatchObject({ id: 'story-1', name: 'Story (1)', path, source: 'file' });
  expect((await tokenscope(['models', 'verify', 'story-1'])).out).toContain('saved for later checks');
  expect(await json('models', 'verify', 'story-1')).toMatchObject({ matches: true, expectedFrom: 'recorded' });

  await rename(path, join(folder, 'moved.gguf'));
  const list = await tokenscope(['models']);
  expect(list.out).toMatch(/story-1 .* missing/);
  expect(list.err).toContain('no longer exists. If it was moved, locate it.');
  expect(await json('models', 'locate', 'story-1', join(folder, 'moved.gguf'))).toMatchObject({
    id: 'story-1',
    state: 'ok',
  });

  const other = bytes.slice();
  other[other.length - 1]! ^= 1;
  await writeFile(join(folder, 'moved.gguf'), other);
  expect((await tokenscope(['models', 'verify', 'story-1'])).code).toBe(1);
  expect((await tokenscope(['models', 'remove', 'story-1', '--delete-file'])).err).toContain('did not download');
  expect((await tokenscope(['models', 'remove', 'story-1'])).out).toContain('was kept');
  expect(await readdir(folder)).toContain('moved.gguf');
  expect((await tokenscope(['models', 'remove', 'story-1'])).err).toContain(
    'There is no model "story-1" in the library.',
  );
});

it('shows what the library knows about a path only if it is a path of the library', async () => {
  await json('models', 'get', 'tiny-1m');
  const downloaded = join(folder, 'data/models/tiny.gguf');
  expect(await json('models', 'info', downloaded)).toMatchObject({ listing: { id: 'tiny-1m', path: downloaded } });
  // Its name is the id of another file.
  const other = join(folder, 'tiny-1m.gguf');
  await writeFile(other, bytes);
  expect(await json('models', 'info', other)).toMatchObject({ id: 'tiny-1m', listing: null });
  expect((await tokenscope(['models', 'info', other])).out).not.toMatch(/SHA-256|^at /m);
  // The id differs from the name.
  const path = join(folder, 'Story.gguf');
  await writeFile(path, bytes);
  await json('models', 'add', path);
  for (const written of [path, relative(process.cwd(), path), 'story']) {
    expect(await json('models', 'info', written), written).toMatchObject({ listing: { id: 'story', path } });
  }
  expect(await json('models', 'info', 'tiny-transformer')).toMatchObject({ listing: { builtIn: true } });
});

it('verify exits with 0 only if its result could be written', async () => {
  await json('models', 'get', 'tiny-1m');
  expect((await tokenscope(['models', 'verify', 'tiny-1m'])).code).toBe(0);
  expect((await tokenscope(['models', 'verify', 'tiny-1m'], { isUnread: true })).code).toBe(141);
  const path = join(folder, 'data/models/tiny.gguf');
  const other = bytes.slice();
  other[other.length - 1]! ^= 1;
  await writeFile(path, other);
  expect((await tokenscope(['models', 'verify', 'tiny-1m'], { isUnread: true })).code).toBe(1);
});

it.each([
  ['its folder cannot be made', 'data'],
  ['the list cannot be changed', 'data/models.json.lock/folder'],
])('fails if it cannot save because %s', async (_, obstacle) => {
  const path = join(folder, 'story.gguf');
  await writeFile(path, bytes);
  await mkdir(dirname(join(folder, obstacle)), { recursive: true });
  await writeFile(join(folder, obstacle), 'in the way');
  for (const args of [
    ['add', path],
    ['folder', folder],
    ['get', 'tiny-1m'],
  ]) {
    const failed = await tokenscope(['models', ...args, '--json']);
    expect({ code: failed.code, out: failed.out }, args[0]).toEqual({ code: 1, out: '' });
    expect(JSON.parse(failed.err)).toMatchObject({ error: { code: 'STORAGE', message: text('data') } });
  }
});

it('uses the default settings, with a notice, if they cannot be read', async () => {
  await mkdir(join(folder, 'data', 'settings.json'), { recursive: true });
  const list = await tokenscope(['models', 'list', '--json']);
  expect(list.code).toBe(0);
  expect(list.err).toContain('Using default settings.');
  expect(JSON.parse(list.out)).toMatchObject([{ id: 'tiny-transformer' }]);
});

it('does not delete a file that existed before the download', async () => {
  const place = join(folder, 'mine');
  await mkdir(place);
  await writeFile(join(place, 'tiny.gguf'), bytes);
  await json('models', 'folder', place);
  expect(await json('models', 'get', 'tiny-1m')).toMatchObject({ phase: 'done', hashChecked: true });
  expect(await json('models', 'list')).toMatchObject([{}, { id: 'tiny-1m', source: 'file' }]);
  const refused = await tokenscope(['models', 'remove', 'tiny-1m', '--delete-file']);
  expect(refused).toMatchObject({ code: 1, err: text('did not download') });
  expect(await readdir(place)).toEqual(['tiny.gguf']);
  expect(server.requests).toEqual([]);
});

it('says which path does not exist', async () => {
  const path = join(folder, 'nothing-here.gguf');
  expect(await tokenscope(['models', 'add', path])).toMatchObject({
    code: 1,
    err: `tokenscope: ${path} does not exist.\n`,
  });
});

it('deletes what it downloaded on demand, elsewhere too', async () => {
  const place = join(folder, 'elsewhere');
  expect(await json('models', 'folder', place)).toMatchObject({ path: place, isDefault: false });
  await json('models', 'get', 'tiny-1m');
  expect(await readdir(place)).toEqual(['tiny.gguf']);
  expect(await json('models', 'remove', 'tiny-1m', '--delete-file')).toMatchObject({ deleted: true });
  expect(await readdir(place)).toEqual([]);
  expect(await json('models', 'folder', 'default')).toMatchObject({ isDefault: true });
});

it('stops hashing at Ctrl-C, deletes nothing, and exits with 130', async () => {
  await json('models', 'get', 'tiny-1m');
  // Zeros that take no space, but a second or more to hash.
  await truncate(join(folder, 'data/models/tiny.gguf'), 2 ** 31);
  const commands = [
    ['verify', 'tiny-1m'],
    ['remove', 'tiny-1m', '--delete-file'],
  ];
  for (const args of commands) {
    const stopping = new AbortController();
    setTimeout(() => stopping.abort(), 100);
    for (const signal of [stopping.signal, AbortSignal.abort()]) {
      const stopped = await tokenscope(['models', ...args], { signal });
      expect(stopped, args[0]).toEqual({ code: 130, out: '', err: '' });
    }
  }
  expect(await readdir(join(folder, 'data/models'))).toEqual(['tiny.gguf']);
  expect(await json('models', 'list')).toHaveLength(2);
});

it.skipIf(process.platform === 'win32')('stops listing at Ctrl-C, however slow a disk is', async () => {
  const nothing = { code: 130, out: '', err: '' };
  for (const args of [['list'], ['found'], ['get'], ['info', 'tiny-transformer']]) {
    expect(await tokenscope(['models', ...args], { signal: AbortSignal.abort() }), args[0]).toEqual(nothing);
  }
  const repository = join(folder, 'hf/hub/models--a--b');
  for (const name of ['refs', 'snapshots/abc']) await mkdir(join(repository, name), { recursive: true });
  // Whoever reads it waits for a writer.
  const pipe = join(repository, 'refs/main');
  execFileSync('mkfifo', [pipe]);
  const stopping = new AbortController();
  setTimeout(() => stopping.abort(), 100);
  expect(await tokenscope(['models', 'found'], { signal: stopping.signal })).toEqual(nothing);
  await (await open(pipe, 'r+')).close();
});

it('finds Ollama’s models, and runs them in place', async () => {
  const hash = 'a'.repeat(64);
  const ollama = join(folder, 'ollama');
  vi.stubEnv('OLLAMA_MODELS', ollama);
  await mkdir(join(ollama, 'manifests/hub.example/library/tiny'), { recursive: true });
  await mkdir(join(ollama, 'blobs'));
  await writeFile(join(ollama, `blobs/sha256-${hash}`), bytes);
  const layers = [{ mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${hash}` }];
  await writeFile(join(ollama, 'manifests/hub.example/library/tiny/latest'), JSON.stringify({ layers }));
  const found = (await json('models', 'found')) as { models: { id: string }[] };
  expect(found.models).toMatchObject([{ name: 'tiny:latest', source: 'ollama', modelId: null }]);
  expect((await tokenscope(['models', 'found'])).out).toContain('tiny:latest');
  expect(await json('models', 'add', found.models[0]!.id)).toMatchObject({ id: 'tiny-latest', source: 'ollama' });
  expect(await json('tokenize', 'Hello', '--model', 'tiny-latest')).toHaveProperty('ids');
  expect((await tokenscope(['models', 'add', 'found-0123'])).err).toContain('no longer exists. Search again.');
});

it('refuses before loading a model that does not fit in memory, with the numbers', async () => {
  const endless = bytes.slice();
  const key = Buffer.from('llama.context_length');
  const at = Buffer.from(endless.buffer).indexOf(key);
  new DataView(endless.buffer).setUint32(at + key.length + 4, 2 ** 27, true);
  await writeFile(join(folder, 'endless.gguf'), endless);
  // K and V of 100 GB fit in some computers.
  const free = vi.spyOn(process, 'availableMemory').mockReturnValue(4e9);
  onTestFinished(() => free.mockRestore());
  const info = await tokenscope(['models', 'info', join(folder, 'endless.gguf'), '--context', String(2 ** 27)]);
  expect(info.out).toMatch(/It does not fit: it needs [\d.]+ [GT]B for a context of 134,217,728 tokens; .* short\./);
});

it('says why a model cannot be loaded, instead of whether it fits', async () => {
  const path = join(folder, 'odd.gguf');
  await writeFile(path, await rewriteGguf(bytes, { tensors: { 'output.weight': { typeId: 19 } } }));
  const problem = /tensor "output\.weight" is stored as IQ1_S, which Tokenscope does not support/;
  for (const command of [['info'], ['models', 'info']]) {
    const { code, out } = await tokenscope([...command, path]);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^It cannot be loaded: .*${problem.source}`, 'm'));
    expect(out).not.toMatch(/It fits|It does not fit|memory when loaded/);
  }
  expect(await json('models', 'info', path)).toMatchObject({ fit: null, problem: { code: 'UNSUPPORTED_TENSOR_TYPE' } });
  // So little that the headers are read before the model.
  const free = vi.spyOn(process, 'availableMemory').mockReturnValue(1e6);
  onTestFinished(() => free.mockRestore());
  const refused = await tokenscope(['run', 'Hello', '--model', path]);
  expect(refused).toMatchObject({ code: 1, out: '', err: expect.stringMatching(problem) as string });
});
