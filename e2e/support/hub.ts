/** Tests with a catalogue of their own and a hub on this computer that serves its files. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tinyGguf } from '../../src-main/engine/test-support/tiny-gguf.ts';
import type { CatalogueModel } from '../../src-main/services/models/catalogue.ts';
import { exampleEntry } from '../../src-main/services/models/test-support/example-entry.ts';
import { hubPath, startDownloadServer, type DownloadServer } from './download-server.ts';
import { test as base } from './test.ts';

export { expect, type RunningApp } from './test.ts';

export interface Hub {
  server: DownloadServer;
  /** A model of 692 kB that the hub serves as the catalogue says. */
  tiny: CatalogueModel;
  /** The same file, under terms that are to be accepted. */
  withTerms: CatalogueModel;
  /** A model that no disk has room for. */
  huge: CatalogueModel;
  /** The same file, of which the catalogue knows neither size nor hash. */
  unchecked: CatalogueModel;
  /** Where the server has an entry's file. */
  path(entry: CatalogueModel): string;
  /** Empty places for other programs' models. */
  places: { huggingface: string; ollama: string };
}

/** How long a silent server is waited for in these tests, ms. */
const TIMEOUT_MS = 1000;

export const test = base.extend<{ hub: Hub }, { sharedHub: Hub; hubFolder: string }>({
  hubFolder: [
    // eslint-disable-next-line no-empty-pattern -- Playwright reads the pattern to see that nothing else is needed.
    async ({}, use) => {
      const folder = await mkdtemp(join(tmpdir(), 'tokenscope-hub-'));
      await use(folder);
      await rm(folder, { recursive: true, force: true });
    },
    { scope: 'worker' },
  ],

  // One for all tests, so that they can share the app that was started with its address.
  sharedHub: [
    async ({ hubFolder }, use) => {
      const bytes = await tinyGguf('llama');
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
      await use({ server, tiny, withTerms, huge, unchecked, path, places });
      await server.close();
    },
    { scope: 'worker' },
  ],

  hub: async ({ sharedHub }, use) => {
    await use(sharedHub);
    sharedHub.server.reset();
    for (const place of Object.values(sharedHub.places)) await rm(place, { recursive: true, force: true });
  },

  appEnv: async ({ hub, hubFolder }, use) => {
    await use({
      TOKENSCOPE_CATALOGUE: join(hubFolder, 'catalogue.json'),
      TOKENSCOPE_HUB_MIRROR: hub.server.url,
      TOKENSCOPE_DOWNLOAD_TIMEOUT_MS: String(TIMEOUT_MS),
      HF_HOME: hub.places.huggingface,
      OLLAMA_MODELS: hub.places.ollama,
    });
  },
});
