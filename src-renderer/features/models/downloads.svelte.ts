import { SvelteMap } from 'svelte/reactivity';
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { AppServices } from '../../../src-main/protocol/app/app-services.ts';
import type { CatalogueEntry, Download } from '../../../src-main/protocol/app/downloads.ts';
import { announce } from '../../ui/live-region.svelte.ts';
import { problemTitle } from './download-messages.ts';

/** All downloads. They only start and resume on a click. */
export class Downloads {
  list = $state.raw<readonly Download[]>([]);
  /** Why the last request failed, by entry id. */
  readonly #refusals = new SvelteMap<string, string>();
  readonly #services: AppServices;

  constructor(services: AppServices) {
    this.#services = services;
  }

  /** Names of active downloads. */
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

  /** Handles an event of the app. */
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

  /** @param termsAccepted the user has read and accepted the terms */
  start(entry: CatalogueEntry, termsAccepted: boolean): Promise<void> {
    return this.#try(entry.id, () => this.#services.invoke('downloadStart', { catalogueId: entry.id, termsAccepted }));
  }

  /** Resumes or retries. */
  resume(id: string): Promise<void> {
    return this.#try(id, () => this.#services.invoke('downloadResume', id));
  }

  pause(id: string): Promise<void> {
    return this.#try(id, () => this.#services.invoke('downloadPause', id));
  }

  /** Deletes the partial file. */
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
