/** The list of models that comes with the app: `resources/catalogue.json`. Reading it sends no requests. */
import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { EngineError } from '../../engine/api/errors.ts';
import { isDownloadAddress } from '../../protocol/app/fields.ts';
import { modelId, parseOrRefuse } from '../../protocol/fields.ts';

const words = v.pipe(v.string(), v.minLength(1), v.maxLength(600));
const address = v.pipe(v.string(), v.check(isDownloadAddress, 'Expected an https address'));
const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
/** `owner/name` at the hub. */
const repository = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,96}\/[A-Za-z0-9._-]{1,96}$/));
const fileName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.gguf$/, 'Expected a GGUF file name'));

const entry = v.strictObject({
  id: modelId,
  name: words,
  publisher: words,
  packer: v.nullable(words),
  architecture: v.pipe(v.string(), v.regex(/^[a-z0-9]+$/)),
  parameters: positive,
  contextSize: positive,
  layers: positive,
  kvHeads: positive,
  headDim: positive,
  quantisation: v.pipe(v.string(), v.regex(/^[A-Z0-9_]+$/)),
  /** Recommended to people who have no other model. */
  start: v.exactOptional(v.boolean()),
  description: words,
  cannot: words,
  license: v.strictObject({ name: words, url: address, kind: v.picklist(['free', 'terms']) }),
  repository,
  /** A commit if known, else a branch. */
  revision: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,64}$/)),
  file: fileName,
  bytes: v.nullable(positive),
  sha256: v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
});
export type CatalogueModel = v.InferOutput<typeof entry>;

const catalogue = v.strictObject({
  $schema: v.literal('./catalogue.schema.json'),
  /** Address from which the hub serves `owner/name/resolve/revision/file`. */
  hub: address,
  models: v.pipe(
    v.array(entry),
    v.check((models) => new Set(models.map(({ id }) => id)).size === models.length, 'Expected unique ids'),
  ),
});
export type Catalogue = v.InferOutput<typeof catalogue>;

/** @throws EngineError STORAGE when the file cannot be read, BAD_REQUEST with the invalid field */
export async function readCatalogue(path: string): Promise<Catalogue> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new EngineError('STORAGE', `The catalogue ${path} cannot be read: ${why}`, { path });
  }
  return parseOrRefuse(catalogue, value, path);
}

/** Download address of a model. @param mirror replaces the hub */
export function downloadUrl({ repository: name, revision, file }: CatalogueModel, hub: string, mirror: string | null) {
  return `${base(mirror ?? hub)}/${name}/resolve/${revision}/${file}`;
}

/** Address of the model's web page. */
export function pageUrl({ repository: name }: CatalogueModel, hub: string): string {
  return `${base(hub)}/${name}`;
}

function base(address: string): string {
  return address.replace(/\/+$/, '');
}
