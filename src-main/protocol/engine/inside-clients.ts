import type { InferenceEngine } from '../../engine/index.ts';

/** Which clients look inside: the engine remembers runs, and a model beside the loaded one, until none of them needs it. */
export class InsideClients {
  readonly #engine: Pick<InferenceEngine, 'releaseInside'>;
  /** Those that have asked, or loaded a model beside, since they released. */
  readonly #looking = new Set<object>();
  /** Those of them that compare with the model beside the loaded one. */
  #comparing: { readonly modelId: string; readonly clients: Set<object> } = { modelId: '', clients: new Set() };

  constructor(engine: Pick<InferenceEngine, 'releaseInside'>) {
    this.#engine = engine;
  }

  asks(client: object): void {
    this.#looking.add(client);
  }

  loadsBeside(client: object, modelId: string): void {
    this.#looking.add(client);
    // Another model takes the place of the one before.
    if (this.#comparing.modelId !== modelId) this.#comparing = { modelId, clients: new Set() };
    this.#comparing.clients.add(client);
  }

  /** Frees what no other client needs. @returns bytes that were remembered */
  async release(client: object, only?: 'beside'): Promise<number> {
    const { clients } = this.#comparing;
    const isLast = clients.delete(client) && clients.size === 0;
    if (only === undefined) {
      this.#looking.delete(client);
      if (this.#looking.size === 0) return this.#engine.releaseInside();
    }
    return isLast ? this.#engine.releaseInside('beside') : 0;
  }

  /** A client is gone, perhaps without a word. */
  left(client: object): void {
    // Nobody hears of a failure any more.
    if (this.#looking.has(client)) void this.release(client).catch(() => undefined);
  }
}
