import { SvelteMap } from 'svelte/reactivity';
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { AppServices, CatalogueEntry, Download } from '../../../src-main/protocol/app/app-services.ts';
import { announce } from '../../ui/live-region.svelte.ts';
import { problemTitle } from './download-messages.ts';

/** The downloads there are. None begins, and none goes on, but by a person's click. */
export class Downloads {
  list = $state.raw<readonly Download[]>([]);
  /** Why what a person asked for last was not done, by the entry's id. */
  readonly #refusals = new SvelteMap<string, string>();
  readonly #services: AppServices;

  constructor(services: AppServices) {
    this.#services = services;
  }

  /** Names of those that are asking or receiving now. */
  get running(): readonly string[] {
    return this.list.filter(({ phase }) => phase === 'connecting' || phase === 'downloading').map(({ name }) => name);
  }

  of(catalogueId: string): Download | null {
    return this.list.find((download) => download.catalogueId === catalogueId) ?? null;
  }

  refusal(catalogueId: string): string | null {
    return this.#refusals.get(catalogueId) ?? null;
  }

  refresh(): Promise<void> {
    return this.#try(null, async () => this.take(await this.#services.invoke('downloadsList')));
  }

  /** What the app tells. */
  take(downloads: readonly Download[]): void {
    for (const download of downloads) {
      const before = this.list.find(({ id }) => id === download.id)?.phase;
      if (before === undefined || before === download.phase) continue;
      if (download.phase === 'done') announce(`${download.name} is downloaded and verified`);
      if (download.phase === 'failed' && download.problem !== null) {
        announce(`Download of ${download.name} failed. ${problemTitle(download.problem)}.`);
      }
    }
    this.list = downloads;
  }

  /** @param termsAccepted a person read the terms and accepts them */
  start(entry: CatalogueEntry, termsAccepted: boolean): Promise<void> {
    return this.#try(entry.id, () => this.#services.invoke('downloadStart', { catalogueId: entry.id, termsAccepted }));
  }

  /** Goes on, or tries again. */
  resume(id: string): Promise<void> {
    return this.#try(id, () => this.#services.invoke('downloadResume', id));
  }

  pause(id: string): Promise<void> {
    return this.#try(id, () => this.#services.invoke('downloadPause', id));
  }

  /** What came so far is deleted. */
  cancel(id: string): Promise<void> {
    return this.#try(id, () => this.#services.invoke('downloadCancel', id));
  }

  async #try(id: string | null, work: () => Promise<unknown>): Promise<void> {
    if (id !== null) this.#refusals.delete(id);
    try {
      await work();
    } catch (thrown) {
      const { message } = EngineError.from(thrown);
      if (id !== null) this.#refusals.set(id, message);
    }
  }
}
