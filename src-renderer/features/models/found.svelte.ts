import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type {
  AppServices,
  FoundModel,
  FoundModels,
  ModelListing,
} from '../../../src-main/protocol/app/app-services.ts';

export const FOUND_IN: Readonly<Record<FoundModel['source'], string>> = {
  'huggingface-cache': 'Hugging Face cache',
  ollama: 'Ollama',
  lmstudio: 'LM Studio',
};

/** Models in other programs' folders. They are looked at, offered, and left as they are. */
export class Found {
  result = $state.raw<FoundModels | null>(null);
  looking = $state(false);
  error = $state<string | null>(null);
  readonly #services: AppServices;
  readonly #added: (listing: ModelListing) => Promise<void>;

  /** @param added one of them is in the library now */
  constructor(services: AppServices, added: (listing: ModelListing) => Promise<void>) {
    this.#services = services;
    this.#added = added;
  }

  /** Those that are not in the library yet. */
  get offered(): readonly FoundModel[] {
    return this.result?.models.filter(({ modelId }) => modelId === null) ?? [];
  }

  /** Where something could be looked at. */
  get places(): readonly string[] {
    const read = this.result?.places.filter(({ state }) => state === 'read' || state === 'limited') ?? [];
    const names = read.map(({ source }) => FOUND_IN[source]);
    return names.filter((name, index) => names.indexOf(name) === index);
  }

  async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    await this.#try(async () => {
      this.result = await this.#services.invoke('modelsFound');
    });
    this.looking = false;
  }

  /** Adds one to the library, by its place. */
  async add(id: string): Promise<void> {
    await this.#try(async () => this.#added(await this.#services.invoke('modelAddFound', id)));
    await this.look();
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.error = null;
    } catch (thrown) {
      this.error = EngineError.from(thrown).message;
    }
  }
}
