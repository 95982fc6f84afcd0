/** The built-in models of a static site, with what this browser knows of them. */
import type { MeasuredRate, ModelListing } from '../../../src-main/protocol/app/app-services.ts';
import type { Database } from './database.ts';

const KEY = 'models';

/** By the model's id. */
type Known = Record<string, { lastUsedAt: string | null; measured: MeasuredRate[] }>;

export class BuiltInModels {
  readonly #database: Database;
  readonly #listings: readonly ModelListing[];

  constructor(database: Database, listings: readonly ModelListing[]) {
    this.#database = database;
    this.#listings = listings;
  }

  /** @throws EngineError STORAGE */
  async list(): Promise<ModelListing[]> {
    const stored = await this.#database.run(['values'], 'readonly', ({ values }) => values.get(KEY));
    const known = (stored?.value ?? {}) as Known;
    return this.#listings.map((listing) => ({ ...listing, ...known[listing.id] }));
  }

  /** @throws EngineError STORAGE */
  async used(id: string): Promise<void> {
    await this.#change(id, (model) => ({ ...model, lastUsedAt: new Date().toISOString() }));
  }

  /** Records the latest per executor and number of threads. @throws EngineError STORAGE */
  async measured(id: string, rate: MeasuredRate): Promise<void> {
    const isSame = ({ executor, threads }: MeasuredRate) => executor === rate.executor && threads === rate.threads;
    await this.#change(id, (model) => ({
      ...model,
      measured: [...model.measured.filter((one) => !isSame(one)), rate],
    }));
  }

  /** Files that a person opened are not remembered. */
  async #change(id: string, change: (model: Known[string]) => Known[string]): Promise<void> {
    if (!this.#listings.some((listing) => listing.id === id)) return;
    await this.#database.run(['values'], 'readwrite', async ({ values }) => {
      const known = ((await values.get(KEY))?.value ?? {}) as Known;
      const before = known[id] ?? { lastUsedAt: null, measured: [] };
      await values.put({ key: KEY, value: { ...known, [id]: change(before) } });
    });
  }
}
