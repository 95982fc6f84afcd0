/** The built command line tool, killed in the middle of a download. `npm run build` comes first. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { hubPath, startDownloadServer } from '../../../../../../e2e/support/download-server.ts';
import { tinyGguf } from '../../../../../engine/test-support/tiny-gguf.ts';
import { exampleEntry } from '../../../../../services/models/test-support/example-entry.ts';
import { temporaryFolder } from '../../../../../services/test-support/support.ts';

const CLI = fileURLToPath(new URL('../../../../../../out/main/cli.js', import.meta.url));

it('goes on where a killed process left off, and never shows half a file', async () => {
  const folder = await temporaryFolder();
  const bytes = await tinyGguf('llama');
  const entry = exampleEntry({ bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  const catalogue = { $schema: './catalogue.schema.json', hub: 'https://hub.invalid', models: [entry] };
  await writeFile(join(folder, 'catalogue.json'), JSON.stringify(catalogue));
  const server = await startDownloadServer();
  onTestFinished(() => server.close());
  const path = hubPath(entry.repository, entry.revision, entry.file);
  server.serve(path, bytes);
  server.behave(path, { kind: 'slow', chunkBytes: 40_000, waitMs: 150, times: 1 });

  const get = (): ChildProcess =>
    spawn(process.execPath, [CLI, 'models', 'get', entry.id, '--json'], {
      env: {
        ...process.env,
        TOKENSCOPE_DATA_DIR: folder,
        TOKENSCOPE_CATALOGUE: join(folder, 'catalogue.json'),
        TOKENSCOPE_HUB_MIRROR: server.url,
      },
    });
  const models = join(folder, 'models');
  const part = join(models, `${entry.file}.part`);

  const killed = get();
  await vi.waitFor(async () => expect((await stat(part)).size).toBeGreaterThan(80_000), { timeout: 10_000 });
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  const left = (await stat(part)).size;
  expect(left).toBeLessThan(bytes.length);
  expect(await readdir(models)).not.toContain(entry.file);

  const again = get();
  let out = '';
  again.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
  expect(await once(again, 'close')).toEqual([0, null]);
  expect(JSON.parse(out)).toMatchObject({ phase: 'done', hashChecked: true, modelId: entry.id });
  expect(server.requests.map(({ range }) => range)).toEqual([null, `bytes=${left}-`]);
  expect(new Uint8Array(await readFile(join(models, entry.file)))).toEqual(bytes);
  expect(await readdir(models)).toEqual([entry.file]);
}, 30_000);
