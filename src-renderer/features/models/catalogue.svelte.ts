import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { AppServices } from '../../../src-main/protocol/app/app-services.ts';
import type { CatalogueEntry, ModelsFolder } from '../../../src-main/protocol/app/downloads.ts';
import type { LibraryState } from './library.svelte.ts';
import { estimateRate, type EstimatedRate } from './estimated-rate.ts';
import { entryMemory, fitOf, type EntryMemory, type Fit } from './memory.ts';
import type { Selection } from './selection.svelte.ts';

/** All licences, free ones, or those with custom terms. */
export type LicenceFilter = 'all' | CatalogueEntry['license']['kind'];

export interface CatalogueParts {
  readonly services: AppServices;
  readonly library: Pick<LibraryState, 'memory' | 'held' | 'listings'>;
  readonly selection: Selection;
}

/** The catalogue that comes with the app. Reading it makes no request. */
export class CatalogueState {
  entries = $state.raw<readonly CatalogueEntry[]>([]);
  /** Where downloads go. */
  folder = $state.raw<ModelsFolder | null>(null);
  /** Why the list cannot be read, or null. */
  error = $state<string | null>(null);
  filter = $state('');
  licence = $state<LicenceFilter>('all');
  readonly #parts: CatalogueParts;

  constructor(parts: CatalogueParts) {
    this.#parts = parts;
  }

  get selected(): CatalogueEntry | null {
    const id = this.#parts.selection.entryId;
    return this.entries.find((entry) => entry.id === id) ?? null;
  }

  /** Entries that match the filters. */
  get shown(): readonly CatalogueEntry[] {
    const words = this.filter.toLowerCase().split(/\s+/).filter(Boolean);
    return this.entries.filter((entry) => {
      const { name, publisher, architecture, quantisation, license } = entry;
      const text = `${name} ${publisher} ${architecture} ${quantisation} ${license.name}`.toLowerCase();
      const licensed = this.licence === 'all' || license.kind === this.licence;
      return licensed && words.every((word) => text.includes(word));
    });
  }

  select(id: string): void {
    this.#parts.selection.showEntry(id);
  }

  async refresh(): Promise<void> {
    try {
      const { services } = this.#parts;
      [this.entries, this.folder] = await Promise.all([
        services.invoke('catalogueList'),
        services.invoke('modelsFolder'),
      ]);
      this.error = null;
    } catch (thrown) {
      this.error = EngineError.from(thrown).message;
    }
  }

  /** Estimated memory; null if the file size is unknown. */
  memoryOf(entry: CatalogueEntry): EntryMemory | null {
    return entryMemory(entry);
  }

  /** Estimated speed; null if nothing comparable was measured here. */
  rate({ bytes }: CatalogueEntry): EstimatedRate | null {
    return bytes === null ? null : estimateRate(bytes, this.#parts.library.listings);
  }

  /** Whether it fits in memory; null while unknown. */
  fit(entry: CatalogueEntry): Fit | null {
    const { memory, held } = this.#parts.library;
    const needed = this.memoryOf(entry)?.total;
    if (needed === undefined || memory === null) return null;
    return fitOf({ needed, free: memory.freeBytes, held });
  }
}
