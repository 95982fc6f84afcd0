import { SvelteMap } from 'svelte/reactivity';
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { ExecutorName, ModelDescription, ModelInfo } from '../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../src-main/protocol/engine/api.ts';
import type { SystemMemory } from '../../../src-main/protocol/app/about.ts';
import type { AppServices, ModelListing } from '../../../src-main/protocol/app/app-services.ts';
import { cancelled, fromErrorPayload } from '../../../src-main/protocol/errors.ts';
import type { Dropped } from '../../lib/dropped.ts';
import type { ModelOpener } from '../../lib/model-opener.ts';
import type { ModelChoice } from '../chat/state/engine.svelte.ts';
import { biggerContext, defaultContext, fitOf, memoryAt, ramOf, takesGpuMemory, type Fit } from './memory.ts';
import type { Selection } from './selection.svelte.ts';

/** The part of the engine's state that the library needs. */
export interface LibraryEngine {
  readonly model: ModelInfo | null;
  readonly status: string;
  readonly loadingId: string | null;
  readonly executors: readonly ExecutorName[];
  readonly requested: ModelChoice['executor'] | null;
  load(choice: ModelChoice): Promise<void>;
  cancelLoad(): void;
  unload(): Promise<void>;
}

export interface LibraryParts {
  readonly opener: ModelOpener;
  readonly services: AppServices;
  readonly engine: LibraryEngine;
  /** The engine itself, with or without a model. @throws EngineError BACKEND_LOST */
  client(): EngineApi;
  /** Stops a running reply, which reports the reason. */
  stopReply(to: string): void;
  readonly selection: Selection;
  /** Context size that was last chosen for a model, tokens, or null. */
  lastContext(id: string): number | null;
  saveContext(id: string, tokens: number): void;
}

/**
 * How long to wait for a list, ms. It has the states of all files, and one of them may be on a slow disk, or on a
 * network share that does not respond.
 */
const LIST_MS = 1000;

type LoadOptions = Pick<ModelChoice, 'executor' | 'keepLoaded'> & { signal?: AbortSignal };

/** A load before the engine begins: while the header and the list are read, and the loaded model is unloaded. */
interface PendingLoad {
  readonly id: string;
  isCancelled: boolean;
}

/** The models on this computer: their headers, their states, and actions on them. */
export class LibraryState {
  listings = $state.raw<readonly ModelListing[]>([]);
  /** Why the last action failed, or the list could not be read. */
  error = $state.raw<EngineError | null>(null);
  memory = $state.raw<SystemMemory | null>(null);
  readonly #descriptions = new SvelteMap<string, ModelDescription | EngineError>();
  readonly #contexts = new SvelteMap<string, number>();
  readonly #failures = new SvelteMap<string, EngineError>();
  #gpuLimit = $state.raw<number | null>(null);
  readonly #parts: LibraryParts;
  #pending = $state.raw<PendingLoad | null>(null);
  /** Lists that were asked for, and the latest of them that was shown. */
  #lists = 0;
  #shown = 0;
  /** Headers that are being read, by id. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing on screen depends on it
  readonly #reading = new Map<string, Promise<void>>();
  /** Until `describeAll` is done. */
  #describing: Promise<void> = Promise.resolve();

  constructor(parts: LibraryParts) {
    this.#parts = parts;
  }

  /** The model whose details are shown. */
  get selected(): ModelListing | null {
    const id = this.#parts.selection.modelId ?? this.#parts.engine.model?.id;
    return this.listings.find((model) => model.id === id) ?? this.listings[0] ?? null;
  }

  select(id: string): void {
    this.#parts.selection.showModel(id);
  }

  /** RAM of the loaded model, bytes. */
  get held(): number {
    const { model } = this.#parts.engine;
    return model === null ? 0 : ramOf(model);
  }

  /** Bytes of the largest buffer that the GPU allows; null while no model was loaded on it. */
  get gpuLimit(): number | null {
    return this.#parts.engine.model?.adapter?.largestBuffer ?? this.#gpuLimit;
  }

  /** What models can run on here, the default first. */
  get executors(): readonly ExecutorName[] {
    return this.#parts.engine.executors;
  }

  /** What the loaded model runs on by choice; null if unknown. */
  get requested(): ModelChoice['executor'] | null {
    return this.#parts.engine.requested;
  }

  /** See `ModelOpener`. */
  get offersMore(): boolean {
    return this.#parts.opener.offersMore;
  }

  /** The model that will be loaded as soon as its header and the list have been read; null if none. */
  get pendingId(): string | null {
    return this.#pending?.id ?? null;
  }

  /** Opened models are kept after a restart. */
  get remembers(): boolean {
    return this.#parts.opener.remembers;
  }

  find(id: string): ModelListing | null {
    return this.listings.find((model) => model.id === id) ?? null;
  }

  /** The contents of the header; null if it has not been read. */
  description(id: string): ModelDescription | null {
    const found = this.#descriptions.get(id);
    return found === undefined || found instanceof EngineError ? null : found;
  }

  /** Why a model cannot be loaded, or why the last load failed. */
  problem(id: string): EngineError | null {
    const missing = this.find(id)?.problem ?? null;
    if (missing !== null) return new EngineError('MODEL_NOT_FOUND', missing);
    const found = this.#descriptions.get(id);
    if (found instanceof EngineError) return found;
    const unsupported = found?.problem ?? null;
    return this.#failures.get(id) ?? (unsupported === null ? null : fromErrorPayload(unsupported));
  }

  /** Display name of a model. */
  nameOf(id: string): string {
    const listing = this.find(id);
    // A model from the catalogue keeps its catalogue name, wherever its file is.
    if (listing?.builtIn || (listing && listing.catalogueId !== null)) return listing.name;
    const { model } = this.#parts.engine;
    const own = this.description(id)?.name ?? (model?.id === id ? model.name : null);
    return own ?? listing?.name ?? 'an unknown model';
  }

  /** Context size of a model, now or when loaded, tokens; null until its header has been read. */
  contextOf(id: string): number | null {
    const { model } = this.#parts.engine;
    const description = this.description(id);
    const chosen = this.#contexts.get(id) ?? (model?.id === id ? model.contextSize : null);
    if (chosen !== null || description === null) return chosen;
    return Math.min(this.#parts.lastContext(id) ?? defaultContext(description.contextSize), description.contextSize);
  }

  setContext(id: string, tokens: number): void {
    this.#contexts.set(id, tokens);
    this.#failures.delete(id);
  }

  /** See `ModelList`. */
  biggerWindow(needed: number): { tokens: number; extraBytes: number } | null {
    const { model } = this.#parts.engine;
    const description = model === null ? null : this.description(model.id);
    if (model === null || description === null) return null;
    const { memory, contextSize: trained } = description;
    const tokens = biggerContext(trained, model.contextSize, needed);
    if (tokens === null) return null;
    const total = memoryAt(memory, tokens).total;
    const extraBytes = total - memoryAt(memory, model.contextSize).total;
    const isShort = total > (this.memory?.freeBytes ?? Infinity) + this.held;
    return isShort && !takesGpuMemory(model.id, undefined, this.#parts.engine) ? null : { tokens, extraBytes };
  }

  async loadWindow(tokens: number): Promise<void> {
    const id = this.#parts.engine.model?.id;
    if (id === undefined) return;
    this.setContext(id, tokens);
    await this.load(id);
  }

  /**
   * Whether it fits in RAM, with the numbers; null while unknown, and if it takes memory of a GPU, whose size is unknown.
   * @param executor by default as in `load`
   */
  fit(id: string, executor?: ModelChoice['executor']): Fit | null {
    const description = this.description(id);
    const context = this.contextOf(id);
    if (description === null || context === null || this.memory === null) return null;
    if (takesGpuMemory(id, executor, this.#parts.engine)) return null;
    return fitOf({
      needed: memoryAt(description.memory, context).total,
      least: description.memory[0]?.total ?? 0,
      free: this.memory.freeBytes,
      held: this.held,
    });
  }

  /** Reads the list and the amount of free memory. A list that takes longer than `LIST_MS` is shown when it is there. */
  async refresh(): Promise<void> {
    const read = Promise.all([
      this.#readList(),
      this.#try(async () => (this.memory = await this.#parts.services.invoke('systemMemory'))),
    ]);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, LIST_MS)));
    await Promise.race([read, late]);
    clearTimeout(timer);
  }

  async #readList(): Promise<void> {
    const number = ++this.#lists;
    await this.#try(async () => {
      const listings = await this.#parts.opener.list();
      // A newer one was faster.
      if (number < this.#shown) return;
      this.#shown = number;
      const { model } = this.#parts.engine;
      let replaced: string | null = null;
      for (const listing of listings) {
        const before = this.find(listing.id);
        if (before === null) continue;
        // Descriptions of replaced files are outdated.
        if (stampOf(before) !== stampOf(listing)) this.#descriptions.delete(listing.id);
        if (listing.id === model?.id && isReplaced(before, listing)) replaced = listing.id;
      }
      this.listings = listings;
      // The loaded model must match the list. The engine only reloads it if the files differ.
      if (replaced !== null) void this.load(replaced);
    });
  }

  /** Reads the headers of undescribed models, one at a time, the selected one first. */
  describeAll(): void {
    const first = this.selected?.id;
    const ids = this.listings.filter((model) => model.problem === null).map((model) => model.id);
    for (const id of ids.sort((a, b) => Number(b === first) - Number(a === first))) {
      this.#describing = this.#describing.then(() => this.describe(id));
    }
  }

  /** Reads a model's header, without waiting for those of other models. Never rejects: see `problem`. */
  describe(id: string): Promise<void> {
    const running = this.#reading.get(id);
    if (running !== undefined) return running;
    const reading = this.#read(id).finally(() => this.#reading.delete(id));
    this.#reading.set(id, reading);
    return reading;
  }

  async #read(id: string): Promise<void> {
    if (this.#descriptions.has(id)) return;
    try {
      this.#descriptions.set(id, await this.#parts.client().call('describe', { modelId: id }));
    } catch (thrown) {
      const error = EngineError.from(thrown);
      // Retried when there is an engine.
      if (error.code !== 'BACKEND_LOST') this.#descriptions.set(id, error);
    }
  }

  /** Opens a file dialog. @returns whether a model was opened */
  choose(): Promise<boolean> {
    return this.#open(() => this.#parts.opener.choose());
  }

  /** @returns whether it was opened */
  drop(dropped: Dropped): Promise<boolean> {
    return this.#open(() => this.#parts.opener.drop(dropped));
  }

  /** Opens a dialog to locate a moved model, which keeps its id, settings and rates. */
  locate(id: string): Promise<boolean> {
    return this.#open(() => this.#parts.services.invoke('modelLocate', id));
  }

  /** Accepts a changed file. */
  accept(id: string): Promise<boolean> {
    return this.#open(() => this.#parts.services.invoke('modelAccept', id));
  }

  /** Shows a model that was added some other way. */
  added(listing: ModelListing): Promise<boolean> {
    return this.#open(() => Promise.resolve(listing));
  }

  /** Shows its file in the system's file manager. */
  async showInFolder(id: string): Promise<void> {
    this.error = null;
    await this.#try(() => this.#parts.services.invoke('modelShowInFolder', id));
  }

  /** Removes an opened model from the library, unloading it first. Its files stay. @returns undoes it; null: it failed */
  async remove(id: string): Promise<(() => void) | null> {
    const restore = await this.#remove(id, () => this.#parts.opener.remove(id));
    return restore && (() => void this.#try(restore).then(() => this.refresh()));
  }

  /** Removes a downloaded model and deletes its file. */
  async deleteFile(id: string): Promise<void> {
    await this.#remove(id, () => this.#parts.services.invoke('modelDelete', id));
  }

  /**
   * Replaces the loaded model, after stopping a running reply. Never rejects: see `problem`.
   * @param options `executor`: by default the engine's, or what was chosen for this model if it is loaded; `keepLoaded`:
   * keeps the loaded model if both fit in memory; `signal`: gives up before the engine begins, like `cancelLoad`
   */
  async load(id: string, options: LoadOptions = {}): Promise<void> {
    const pending: PendingLoad = { id, isCancelled: false };
    this.#pending = pending;
    try {
      await this.#load(pending, options);
    } finally {
      this.#end(pending);
    }
  }

  async #load(pending: PendingLoad, { signal, ...options }: LoadOptions): Promise<void> {
    const { id } = pending;
    const isGivenUp = () => pending.isCancelled || signal?.aborted;
    const { model, requested } = this.#parts.engine;
    // Another context size or file is no reason for another executor.
    const own = model?.id === id && requested ? { executor: requested } : {};
    const { executor } = { ...own, ...options };
    this.#failures.delete(id);
    this.select(id);
    await Promise.all([this.describe(id), this.refresh()]);
    // Again, if the list says that the file was replaced.
    await this.describe(id);
    if (isGivenUp()) return;
    const fit = this.fit(id, executor);
    // The card already shows the reason.
    if (this.problem(id) !== null || fit?.verdict === 'too-large') return;
    this.#parts.stopReply(`load ${this.nameOf(id)}`);
    const contextSize = this.contextOf(id);
    try {
      if (fit?.verdict === 'after-unload') await this.#parts.engine.unload();
      if (isGivenUp()) throw cancelled();
      const loading = this.#parts.engine.load({
        modelId: id,
        ...own,
        ...options,
        ...(contextSize === null ? {} : { contextSize }),
      });
      this.#end(pending);
      await loading;
      this.#gpuLimit = this.gpuLimit;
      await this.#used(id);
    } catch (thrown) {
      const error = EngineError.from(thrown);
      const { limit } = error.details;
      const isOfGpu = error.code === 'OUT_OF_MEMORY' && executor === 'webgpu';
      if (isOfGpu && typeof limit === 'number') this.#gpuLimit = limit;
      if (error.code !== 'CANCELLED') this.#failures.set(id, error);
    }
    await this.refresh();
  }

  #end(pending: PendingLoad): void {
    if (this.#pending === pending) this.#pending = null;
  }

  /** Also gives up a load that is pending. The loaded model, if any, is kept. */
  cancelLoad(): void {
    if (this.#pending !== null) this.#pending.isCancelled = true;
    this.#pending = null;
    this.#parts.engine.cancelLoad();
  }

  /** Unloads the model, after stopping a running reply. */
  async unload(): Promise<void> {
    const { engine, stopReply } = this.#parts;
    const { model } = engine;
    if (model === null) return;
    stopReply(`unload ${this.nameOf(model.id)}`);
    await this.#try(() => engine.unload());
    await this.refresh();
  }

  async #used(id: string): Promise<void> {
    const listing = this.find(id);
    if (listing === null || listing.source === 'lent') return;
    const tokens = this.#contexts.get(id);
    if (tokens !== undefined) this.#parts.saveContext(id, tokens);
    await this.#try(() => this.#parts.services.invoke('modelUsed', id));
  }

  /** @returns what `remove` does; null: it failed */
  async #remove<T>(id: string, remove: () => Promise<T>): Promise<T | null> {
    this.error = null;
    const removed = await this.#try(async () => {
      if (this.#parts.engine.model?.id === id) await this.unload();
      const result = await remove();
      this.#clear(id);
      if (this.#parts.selection.modelId === id) this.#parts.selection.clear();
      return result;
    });
    await this.refresh();
    return removed;
  }

  async #open(open: () => Promise<ModelListing | null>): Promise<boolean> {
    this.error = null;
    const opened = await this.#try(open);
    if (opened === null) return false;
    // The file may have changed.
    this.#clear(opened.id);
    this.select(opened.id);
    await this.refresh();
    await this.describe(opened.id);
    return true;
  }

  #clear(id: string): void {
    this.#descriptions.delete(id);
    this.#contexts.delete(id);
    this.#failures.delete(id);
  }

  async #try<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (thrown) {
      this.error = EngineError.from(thrown);
      return null;
    }
  }
}

/** Whether the user has replaced the files of the model. */
function isReplaced(before: ModelListing, now: ModelListing): boolean {
  if (now.state !== 'ok') return false;
  const placeOf = ({ path, fileBytes, addedAt }: ModelListing) => JSON.stringify([path, fileBytes, addedAt]);
  return before.state === 'changed' || placeOf(before) !== placeOf(now);
}

/** Changes when the file is replaced or moved. */
function stampOf({ path, fileBytes, state, problem }: ModelListing): string {
  return JSON.stringify([path, fileBytes, state, problem]);
}
