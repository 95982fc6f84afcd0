/** Tests with their own catalogue and a hub on this computer. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rewriteGguf } from '../../src-main/engine/test-support/rewrite-gguf.ts';
import { tinyGguf } from '../../src-main/engine/test-support/tiny-gguf.ts';
import type { CatalogueModel } from '../../src-main/services/models/catalogue.ts';
import { exampleEntry } from '../../src-main/services/models/test-support/example-entry.ts';
import { hubPath, startDownloadServer, type DownloadServer } from './download-server.ts';
import { test as base } from './test.ts';

export { expect, type RunningApp } from './test.ts';

export interface Hub {
  server: DownloadServer;
  /** A model of 692 kB, served as described in the catalogue. */
  tiny: CatalogueModel;
  /** The same file, with terms to accept. */
  withTerms: CatalogueModel;
  /** A model larger than any disk. */
  huge: CatalogueModel;
  /** The same file, without size and hash in the catalogue. */
  unchecked: CatalogueModel;
  /** The file that is served for every entry. */
  bytes: Uint8Array;
  /** Path of an entry's file on the server. */
  path(entry: CatalogueModel): string;
  /** Empty folders for other programs' models. */
  places: { huggingface: string; ollama: string };
}

export const test = base.extend<{ hub: Hub; downloadTimeoutMs: number }, { sharedHub: Hub; hubFolder: string }>({
  hubFolder: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright parses the pattern for dependencies.
    async ({}, use) => {
      const folder = await mkdtemp(join(tmpdir(), 'tokenscope-hub-'));
      await use(folder);
      await rm(folder, { recursive: true, force: true });
    },
    { scope: 'worker' },
  ],

  // Shared by all tests, so that they can share the app, which was started with its address.
  sharedHub: [
    async ({ hubFolder }, use) => {
      // Not what tests open as a file of their own, which would get the name of the entry.
      const metadata = { 'general.description': { type: 'string', value: 'From the catalogue' } } as const;
      const bytes = await rewriteGguf(await tinyGguf('llama'), { metadata });
      const checked = { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
      const terms = { name: 'Tiny Terms', url: 'https://example.org/terms', kind: 'terms' } as const;
      const tiny = exampleEntry(checked);
      const withTerms = exampleEntry({
        ...checked,
        id: 'tiny-terms',
        name: 'Tiny with terms',
        file: 'terms.gguf',
        license: terms,
      });
      const huge = exampleEntry({ id: 'huge', name: 'Huge', file: 'huge.gguf', bytes: 10 ** 15 });
      const unchecked = exampleEntry({ id: 'unchecked', name: 'Unchecked', file: 'unchecked.gguf' });
      const models = [tiny, withTerms, huge, unchecked];
      const server = await startDownloadServer();
      const path = ({ repository, revision, file }: CatalogueModel): string => hubPath(repository, revision, file);
      for (const entry of models) server.serve(path(entry), bytes);
      const places = { huggingface: join(hubFolder, 'hf'), ollama: join(hubFolder, 'ollama') };
      const catalogue = { $schema: './catalogue.schema.json', hub: 'https://hub.invalid', models };
      await writeFile(join(hubFolder, 'catalogue.json'), JSON.stringify(catalogue));
      await use({ server, tiny, withTerms, huge, unchecked, bytes, path, places });
      await server.close();
    },
    { scope: 'worker' },
  ],

  hub: async ({ sharedHub }, use) => {
    await use(sharedHub);
    sharedHub.server.reset();
    for (const place of Object.values(sharedHub.places)) await rm(place, { recursive: true, force: true });
  },

  /** Maximum silence of a server, ms. */
  downloadTimeoutMs: [5000, { option: true }],

  appEnv: async ({ hub, hubFolder, downloadTimeoutMs }, use) => {
    await use({
      TOKENSCOPE_CATALOGUE: join(hubFolder, 'catalogue.json'),
      TOKENSCOPE_HUB_MIRROR: hub.server.url,
      TOKENSCOPE_DOWNLOAD_TIMEOUT_MS: String(downloadTimeoutMs),
      HF_HOME: hub.places.huggingface,
      OLLAMA_MODELS: hub.places.ollama,
    });
  },
});
