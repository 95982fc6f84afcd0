/** The library, the catalogue and what was found elsewhere, as tables. */
import type { FoundModels, ModelListing } from '../../../../protocol/app/app-services.ts';
import type { CatalogueEntry } from '../../../../protocol/app/downloads.ts';
import { formatBytes, formatInteger } from './numbers.ts';
import { formatTable } from './table.ts';

/** @param defaultId the model of commands without `--model` */
export function formatListings(models: readonly ModelListing[], defaultId: string): string {
  return formatTable(
    [{ title: 'id' }, { title: 'size', align: 'right' }, { title: 'from' }, { title: 'last used' }, { title: '' }],
    models.map(({ id, fileBytes, source, lastUsedAt, state }) => [
      id,
      formatBytes(fileBytes),
      source,
      lastUsedAt?.slice(0, 10) ?? 'never',
      [id === defaultId ? 'default' : '', state === 'ok' ? '' : state].filter((word) => word !== '').join(', '),
    ]),
  );
}

export function formatCatalogue(entries: readonly CatalogueEntry[]): string {
  return formatTable(
    [
      { title: 'id' },
      { title: 'parameters', align: 'right' },
      { title: 'download', align: 'right' },
      { title: 'licence' },
      { title: '' },
    ],
    entries.map(({ id, parameters, bytes, license, modelId }) => [
      id,
      formatInteger(parameters),
      bytes === null ? 'unknown' : formatBytes(bytes),
      license.kind === 'terms' ? `${license.name} (terms)` : license.name,
      modelId === null ? '' : `in library as ${modelId}`,
    ]),
  );
}

export function formatFound({ models, places }: FoundModels): string {
  const searched = places.map(({ folder, state }) => `  ${folder}: ${STATE_TEXTS[state]}`);
  if (models.length === 0) return ['No models from other apps were found. Looked in:', ...searched].join('\n');
  const table = formatTable(
    [{ title: 'id' }, { title: 'name' }, { title: 'size', align: 'right' }, { title: 'from' }, { title: '' }],
    models.map(({ id, name, bytes, source, modelId }) => [
      id,
      name,
      formatBytes(bytes),
      source,
      modelId === null ? '' : `in library as ${modelId}`,
    ]),
  );
  return `${table}\nAdd one with: tokenscope models add ID`;
}

const STATE_TEXTS: Readonly<Record<FoundModels['places'][number]['state'], string>> = {
  read: 'no usable models',
  missing: 'does not exist',
  unreadable: 'cannot be read',
  limited: 'too many files to search completely',
};
