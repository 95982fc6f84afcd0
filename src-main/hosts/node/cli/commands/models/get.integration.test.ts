/** The built command line tool, killed or out of disk space during a download. `npm run build` comes first. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { hubPath, startDownloadServer, type DownloadServer } from '../../../../../../e2e/support/download-server.ts';
import { expectSameBits } from '../../../../../engine/test-support/same-bits.ts';
import { tinyGguf } from '../../../../../engine/test-support/tiny-gguf.ts';
import type { CatalogueModel } from '../../../../../services/models/catalogue.ts';
import { exampleEntry } from '../../../../../services/models/test-support/example-entry.ts';
import { temporaryFolder } from '../../../../../services/test-support/support.ts';

const CLI = fileURLToPath(new URL('../../../../../../out/main/cli.js', import.meta.url));

interface SetUp {
  bytes: Uint8Array;
  entry: CatalogueModel;
  server: DownloadServer;
  /** Path of the file on the server. */
  path: string;
  /** Starts a download to the models folder. */
  get(): ChildProcess;
}

async function setUp(folder: string): Promise<SetUp> {
  const bytes = await tinyGguf('llama');
  const entry = exampleEntry({ bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  const catalogue = { $schema: './catalogue.schema.json', hub: 'https://hub.invalid', models: [entry] };
  await writeFile(join(folder, 'catalogue.json'), JSON.stringify(catalogue));
  const server = await startDownloadServer();
  onTestFinished(() => server.close());
  const path = hubPath(entry.repository, entry.revision, entry.file);
  server.serve(path, bytes);
  const env = {
    ...process.env,
    TOKENSCOPE_DATA_DIR: folder,
    TOKENSCOPE_CATALOGUE: join(folder, 'catalogue.json'),
    TOKENSCOPE_HUB_MIRROR: server.url,
  };
  const get = () => spawn(process.execPath, [CLI, 'models', 'get', entry.id, '--json'], { env });
  return { bytes, entry, server, path, get };
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}

/** @returns all output by stream, when it has exited */
async function ended(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
  const texts = { out: '', err: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (texts.out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (texts.err += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...texts };
}

it('resumes the download of a killed process, and never leaves a partial file under its final name', async () => {
  const folder = await temporaryFolder();
  const { bytes, entry, server, path, get } = await setUp(folder);
  server.behave(path, { kind: 'slow', chunkBytes: 40_000, waitMs: 150, times: 1 });
  const models = join(folder, 'models');
  const part = join(models, `${entry.file}.part`);

  const killed = get();
  await vi.waitFor(async () => expect(await sizeOf(part)).toBeGreaterThan(80_000));
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  const left = await sizeOf(part);
  expect(left).toBeLessThan(bytes.length);
  expect(await readdir(models)).not.toContain(entry.file);

  const { code, out } = await ended(get());
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ phase: 'done', hashChecked: true, modelId: entry.id });
  expect(server.requests.map(({ range }) => range)).toEqual([null, `bytes=${left}-`]);
  expectSameBits(new Uint8Array(await readFile(join(models, entry.file))), bytes);
  expect(await readdir(models)).toEqual([entry.file]);
});

/** Mounts a RAM disk of so many bytes; false if this process may not. */
async function mountDisk(place: string, bytes: number): Promise<boolean> {
  await mkdir(place);
  const { code } = await ended(spawn('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', place]));
  if (code !== 0) return false;
  onTestFinished(async () => {
    await ended(spawn('umount', [place]));
  });
  return true;
}

it.skipIf(process.platform !== 'linux')(
  'a disk filled by others: the partial file is kept, and resumes when there is space',
  async (context) => {
    const folder = await temporaryFolder();
    const models = join(folder, 'models');
    if (!(await mountDisk(models, 66 * 2 ** 20))) context.skip('Only root may mount a small disk to fill.');
    const { bytes, entry, server, path, get } = await setUp(folder);
    server.behave(path, { kind: 'slow', chunkBytes: 40_000, waitMs: 150, times: 1 });
    const part = join(models, `${entry.file}.part`);

    const running = ended(get());
    await vi.waitFor(async () => expect(await sizeOf(part)).toBeGreaterThan(80_000));
    const filler = join(models, 'filler');
    await writeFile(filler, Buffer.alloc(66 * 2 ** 20)).catch((error: NodeJS.ErrnoException) => {
      expect(error.code).toBe('ENOSPC');
    });
    const full = await running;
    expect(full.code).toBe(1);
    expect(JSON.parse(full.err.trim().split('\n').at(-1) ?? '')).toMatchObject({
      error: { code: 'STORAGE', details: { kind: 'disk' }, message: expect.stringContaining('full') as string },
    });
    const left = await sizeOf(part);
    expect(left).toBeGreaterThan(80_000);

    await rm(filler);
    expect((await ended(get())).code).toBe(0);
    expect(server.requests.at(-1)?.range).toMatch(/^bytes=[1-9]\d+-$/);
    expectSameBits(new Uint8Array(await readFile(join(models, entry.file))), bytes);
  },
);
