import { SvelteMap } from 'svelte/reactivity';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import {
  savedItemsFile,
  type SavedItem,
  type SavedItemChange,
  type SavedPreset,
  type SavedPrompt,
} from '../../../../src-main/protocol/app/presets/saved-items.ts';
import type { AppServices } from '../../../../src-main/protocol/app/app-services.ts';
import { newId } from '../../../lib/new-id.ts';
import { readSettingsFile, MAX_SETTINGS_FILE, type SettingsProgram } from './import/read-settings-file.ts';
import type { Unmapped } from './import/settings-mapper.ts';

/** What an import added, and what it left out. */
export interface PresetImport {
  readonly fileName: string;
  /** Null for a file of this app. */
  readonly program: SettingsProgram | null;
  readonly added: readonly SavedItem[];
  readonly unmapped: readonly Unmapped[];
  /** Entries of a file of this app that could not be read. */
  readonly unknown: number;
  /** Why nothing, or not everything, was added; null if it was. */
  readonly problem: string | null;
}

/** The saved presets and system prompts, which all pages share. */
export class PresetsState {
  /** By name. */
  #items = $state.raw<readonly SavedItem[]>([]);
  readonly presets = $derived(this.#items.filter((item): item is SavedPreset => item.kind === 'preset'));
  readonly prompts = $derived(this.#items.filter((item): item is SavedPrompt => item.kind === 'prompt'));
  /** Why the latest change was not saved, or null. */
  error = $state<string | null>(null);
  /** The latest import, until it is closed. */
  imported = $state.raw<PresetImport | null>(null);
  /** Ids of the presets that were chosen last, by the owner of the settings. */
  readonly #chosen = new SvelteMap<string, string>();
  readonly #services: AppServices;

  constructor(services: AppServices) {
    this.#services = services;
    services.onEvent((event) => {
      if (event.type === 'savedItems') this.#show(event.items);
    });
  }

  /** Reads them. Without them the app works as well, so a failure is only noted. */
  async load(): Promise<void> {
    try {
      this.#show(await this.#services.invoke('savedItems'));
    } catch (error) {
      this.error = EngineError.from(error).message;
    }
  }

  /** @param owner of the settings to which the preset was applied */
  choose(owner: string, id: string): void {
    this.#chosen.set(owner, id);
  }

  /**
   * The saved preset that the settings are of.
   * @param current id of the preset that equals the settings; null: they were changed since the last choice
   */
  shown(owner: string, current: string | null): SavedPreset | null {
    const id = current ?? this.#chosen.get(owner);
    return this.presets.find((preset) => preset.id === id) ?? null;
  }

  /** @returns the id under which it was saved; null if it was not: see `error` */
  async add(item: Omit<SavedPreset, 'id'> | Omit<SavedPrompt, 'id'>): Promise<string | null> {
    return await this.#change({ was: null, now: { ...item, id: newId() } });
  }

  /** Replaces an item, or saves a copy if another page has changed it. */
  async replace(was: SavedItem, now: SavedItem): Promise<string | null> {
    return await this.#change({ was, now });
  }

  /** @returns undoes it; null if it was not deleted */
  async remove(item: SavedItem): Promise<(() => Promise<void>) | null> {
    await this.#change({ was: item, now: null });
    if (this.error !== null) return null;
    if (this.#items.some(({ id }) => id === item.id)) {
      this.error = `${item.name} was not deleted, because another window changed it.`;
      return null;
    }
    return async () => void (await this.#change({ was: null, now: item }));
  }

  /** All of them as a file that `take` reads. */
  fileText(items: readonly SavedItem[]): string {
    return `${JSON.stringify(savedItemsFile(items), null, 2)}\n`;
  }

  /** Adds what a settings file contains; `imported` reports it. */
  async take(file: File): Promise<void> {
    // An import without changes must not report the problem of an earlier change.
    this.error = null;
    const base = { fileName: file.name, program: null, added: [], unmapped: [], unknown: 0 };
    try {
      if (file.size > MAX_SETTINGS_FILE) {
        throw new EngineError('BAD_REQUEST', `${file.name} is too large for a settings file. The limit is 8\u00a0MB.`);
      }
      const read = readSettingsFile(await file.text(), file.name);
      if (read.kind === 'own') {
        const added = await this.#addAll(read.items);
        this.imported = { ...base, added, unknown: read.unknown, problem: this.error };
        return;
      }
      const { program, settings } = read;
      const { name, sampling, stop, systemPrompt, unmapped } = settings;
      const items: (Omit<SavedPreset, 'id'> | Omit<SavedPrompt, 'id'>)[] = [];
      if (Object.keys({ ...sampling, ...stop }).length > 0) items.push({ kind: 'preset', name, sampling, stop });
      if (systemPrompt !== null) items.push({ kind: 'prompt', name, text: systemPrompt });
      const added = await this.#addAll(items);
      this.imported = { ...base, program, added, unmapped, problem: this.error };
    } catch (error) {
      this.imported = { ...base, problem: EngineError.from(error).message };
    }
  }

  /** Items that are here already are left out. Imported ones get new ids. @returns each item of the list once */
  async #addAll(
    items: readonly (SavedItem | Omit<SavedPreset, 'id'> | Omit<SavedPrompt, 'id'>)[],
  ): Promise<SavedItem[]> {
    const added: SavedItem[] = [];
    for (const item of items) {
      const now: SavedItem = { ...item, id: newId() };
      const known = this.#items.find((one) => contentOf(one) === contentOf(now));
      if (known === undefined && (await this.#change({ was: null, now })) === null) break;
      const here = known ?? now;
      // The file may have it twice.
      if (added.every(({ id }) => id !== here.id)) added.push(here);
    }
    return added;
  }

  async #change(change: SavedItemChange): Promise<string | null> {
    try {
      const { items, id } = await this.#services.invoke('savedItemChange', change);
      this.#show(items);
      this.error = null;
      return id;
    } catch (error) {
      this.error = EngineError.from(error).message;
      return null;
    }
  }

  #show(items: readonly SavedItem[]): void {
    this.#items = items.toSorted((a, b) => a.name.localeCompare(b.name));
  }
}

function contentOf(item: SavedItem): string {
  return item.kind === 'prompt'
    ? JSON.stringify([item.name, item.text])
    : JSON.stringify([item.name, entriesOf(item.sampling), entriesOf(item.stop)]);
}

function entriesOf(values: object): [string, unknown][] {
  return Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
