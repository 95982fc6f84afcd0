import type { ModelListing } from '../../protocol/app/app-services.ts';
import type { CatalogueEntry } from '../../protocol/app/downloads.ts';
import { downloadUrl, pageUrl, type Catalogue } from './catalogue.ts';

/** Bytes of an F16 number. */
const F16_BYTES = 2;

/** The catalogue as a page shows it. @param mirror replaces the hub */
export function catalogueEntries(
  { hub, models }: Catalogue,
  mirror: string | null,
  library: readonly Pick<ModelListing, 'id' | 'catalogueId' | 'state'>[],
): CatalogueEntry[] {
  return models.map((model) => {
    const { repository: _repository, revision: _revision, layers, kvHeads, headDim, ...facts } = model;
    return {
      ...facts,
      page: pageUrl(model, hub),
      url: downloadUrl(model, hub, mirror),
      kvBytesPerToken: layers * kvHeads * headDim * 2 * F16_BYTES,
      // A file that is gone can be downloaded again.
      modelId: library.find(({ catalogueId, state }) => catalogueId === model.id && state !== 'missing')?.id ?? null,
    };
  });
}
