import { CatalogueState } from './catalogue.svelte.ts';
import { Downloads } from './downloads.svelte.ts';
import { FileChecks } from './file-check.svelte.ts';
import { Found } from './found.svelte.ts';
import { LibraryState, type LibraryParts } from './library.svelte.ts';
import { Rates } from './rates.svelte.ts';
import { Selection } from './selection.svelte.ts';

/** State of the Models page. */
export class Models {
  readonly selection = new Selection();
  readonly library: LibraryState;
  readonly catalogue: CatalogueState;
  readonly downloads: Downloads;
  readonly found: Found;
  readonly checks: FileChecks;
  readonly rates: Rates;
  readonly #parts: Omit<LibraryParts, 'selection'>;

  constructor(parts: Omit<LibraryParts, 'selection'>) {
    const { services } = parts;
    const { selection } = this;
    this.#parts = parts;
    this.library = new LibraryState({ ...parts, selection });
    this.catalogue = new CatalogueState({ services, library: this.library, selection });
    this.downloads = new Downloads(services);
    this.found = new Found(services, async (listing) => void (await this.library.added(listing)));
    this.checks = new FileChecks(services, async (id) => {
      await this.library.refresh();
      return this.library.find(id);
    });
    const isListed = (id: string) => (this.library.find(id)?.source ?? 'lent') !== 'lent';
    this.rates = new Rates({ services, client: () => parts.client(), isListed });
  }

  /** Reads the lists, and again when the app reports changes. @returns stops */
  follow(): () => void {
    void this.refresh();
    let mirror: string | null | undefined;
    return this.#parts.services.onEvent((event) => {
      if (event.type === 'settings' && event.settings.downloads.mirror !== mirror) {
        // The catalogue has its addresses.
        ({ mirror } = event.settings.downloads);
        void this.catalogue.refresh();
      }
      if (event.type === 'models') void this.refresh();
      else if (event.type === 'downloads') this.downloads.take(event.downloads);
      else if (event.type === 'verify') this.checks.take(event);
    });
  }

  async refresh(): Promise<void> {
    await Promise.all([this.library.refresh(), this.catalogue.refresh(), this.downloads.refresh()]);
  }
}
