import { Ajv } from 'ajv';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../test-support/support.ts';
import { catalogueEntries } from './catalogue-entries.ts';
import { downloadUrl, readCatalogue, type CatalogueModel } from './catalogue.ts';
import { exampleEntry } from './test-support/example-entry.ts';

const resource = (name: string): string => fileURLToPath(new URL(`../../../resources/${name}`, import.meta.url));
const jsonOf = async (name: string): Promise<object> => JSON.parse(await readFile(resource(name), 'utf8')) as object;

/** Minimum and maximum bits per weight: a few tensors are stored in more. */
const BITS: Readonly<Record<string, [number, number]>> = {
  Q4_0: [4.5, 6.5],
  Q4_1: [5, 6.5],
  Q4_K_M: [4.8, 6.5],
  Q8_0: [8.5, 8.8],
};

test('the bundled catalogue conforms to its schema, and the app can read it', async () => {
  const valid = new Ajv().compile(await jsonOf('catalogue.schema.json'));
  valid(await jsonOf('catalogue.json'));
  expect(valid.errors).toBeNull();
  const { models } = await readCatalogue(resource('catalogue.json'));
  expect(models.length).toBeGreaterThan(5);
  expect(models.filter(({ start }) => start)).toHaveLength(1);
});

test('its sizes agree with its parameters and types, and restrictive licences require accepting terms', async () => {
  const { models } = await readCatalogue(resource('catalogue.json'));
  for (const { id, bytes, parameters, quantisation, license } of models) {
    const [least, most] = BITS[quantisation] ?? [0, 0];
    if (bytes !== null) {
      expect((bytes * 8) / parameters, id).toBeGreaterThan(least);
      expect((bytes * 8) / parameters, id).toBeLessThan(most);
    }
    expect(license.kind, id).toBe(['Apache-2.0', 'MIT'].includes(license.name) ? 'free' : 'terms');
  }
});

test('the schema and the app refuse the same files', async () => {
  const valid = new Ajv().compile(await jsonOf('catalogue.schema.json'));
  const folder = await temporaryFolder();
  const good = exampleEntry({ bytes: 1, sha256: 'a'.repeat(64) });
  const wrong: Record<string, unknown>[] = [
    { id: '../x' },
    { file: '../x.gguf' },
    { file: 'x.bin' },
    { repository: 'no-owner' },
    { repository: 'a/b/c' },
    { revision: 'a/b' },
    { sha256: 'ABC' },
    { bytes: 0 },
    { bytes: 1.5 },
    { parameters: -1 },
    { license: { name: 'X', url: 'http://example.org', kind: 'free' } },
    { license: { name: 'X', url: 'https://example.org', kind: 'maybe' } },
    { start: 'yes' },
    { more: 1 },
    { name: undefined },
  ];
  const path = join(folder, 'catalogue.json');
  const read = async (model: unknown) => {
    const value = { $schema: './catalogue.schema.json', hub: 'https://hub.example', models: [model] };
    await writeFile(path, JSON.stringify(value));
    const stored = JSON.parse(await readFile(path, 'utf8')) as unknown;
    return {
      schema: valid(stored),
      app: await readCatalogue(path).then(
        () => true,
        () => false,
      ),
    };
  };
  expect(await read(good)).toEqual({ schema: true, app: true });
  for (const change of wrong) {
    expect(await read({ ...good, ...change }), JSON.stringify(change)).toEqual({ schema: false, app: false });
  }
  await expect(readCatalogue(join(folder, 'none.json'))).rejects.toMatchObject({ code: 'STORAGE' });
});

test('a mirror replaces the hub, and entries show what is already downloaded', () => {
  const model: CatalogueModel = exampleEntry();
  expect(downloadUrl(model, 'https://hub.example/', null)).toBe(
    'https://hub.example/somebody/tiny/resolve/main/tiny.gguf',
  );
  expect(downloadUrl(model, 'https://hub.example', 'https://mirror.example/hub')).toBe(
    'https://mirror.example/hub/somebody/tiny/resolve/main/tiny.gguf',
  );
  const catalogue = { $schema: './catalogue.schema.json' as const, hub: 'https://hub.example', models: [model] };
  const here = { catalogueId: 'tiny-1m', id: 'mine', state: 'ok' } as const;
  const gone = { ...here, id: 'moved', state: 'missing' } as const;
  expect(catalogueEntries(catalogue, null, [gone, here])).toMatchObject([
    { page: 'https://hub.example/somebody/tiny', kvBytesPerToken: 384, modelId: 'mine' },
  ]);
  expect(catalogueEntries(catalogue, null, [gone])).toMatchObject([{ modelId: null }]);
});
