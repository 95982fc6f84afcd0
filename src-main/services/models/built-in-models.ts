import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelListing } from '../../protocol/app/app-services.ts';
import { storageError } from '../json-file.ts';
import type { Library } from './library-file.ts';

const TINY_TRANSFORMER = {
  id: 'tiny-transformer',
  name: 'TinyTransformer',
  builtIn: true,
  source: 'builtin',
  path: null,
  state: 'ok',
  stateText: null,
  problem: null,
  catalogueId: null,
  sha256: null,
  addedAt: null,
  description:
    'Continues simple children’s stories and small talk in English. Small enough to inspect completely.\n' +
    'It has 2 layers with 4 attention heads each, a vocabulary of 8,000 words and word pieces, and a context window of ' +
    '1,000 tokens. It was trained from scratch on 7,552 short stories (TinyStories) and 9,000 short texts; its ' +
    'perplexity on 150 unseen stories is 15.4.',
  cannot:
    'It knows no facts, and cannot follow instructions or do arithmetic. It has no chat roles: it continues the text ' +
    'you start. It cannot represent other scripts, or words that its 8,000 pieces cannot spell. Greedy replies tend to ' +
    'loop; the repetition stop ends them.',
  license: 'MIT, trained on TinyStories (CDLA-Sharing-1.0)',
} as const;

export const BUILT_IN_IDS: readonly string[] = [TINY_TRANSFORMER.id];

const FILES = ['model.safetensors', 'tokenizer.json', 'config.json'];

/**
 * The models that come with the app.
 * @throws EngineError STORAGE when one of their files is missing
 */
export async function listBuiltInModels(
  modelsDir: string,
  { builtInUsed, builtInMeasured }: Pick<Library, 'builtInUsed' | 'builtInMeasured'>,
): Promise<ModelListing[]> {
  const sizes = FILES.map(async (name) => {
    const path = join(modelsDir, TINY_TRANSFORMER.id, name);
    return await stat(path).then(
      (file) => file.size,
      (error: unknown) => {
        throw storageError('read', path, error);
      },
    );
  });
  const fileBytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  const lastUsedAt = builtInUsed[TINY_TRANSFORMER.id] ?? null;
  return [{ ...TINY_TRANSFORMER, fileBytes, lastUsedAt, measured: builtInMeasured[TINY_TRANSFORMER.id] ?? [] }];
}
