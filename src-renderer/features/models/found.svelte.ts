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

/** Models in the folders of other programs. They are used in place and never changed. */
export class Found {
  result = $state.raw<FoundModels | null>(null);
  looking = $state(false);
  /** Why the last action failed, or null. */
  error = $state<string | null>(null);
  readonly #services: AppServices;
  readonly #added: (listing: ModelListing) => Promise<void>;

  /** @param added called when one was added to the library */
  constructor(services: AppServices, added: (listing: ModelListing) => Promise<void>) {
    this.#services = services;
    this.#added = added;
  }

  /** Found models that are not in the library yet. */
  get offered(): readonly FoundModel[] {
    return this.result?.models.filter(({ modelId }) => modelId === null) ?? [];
  }

  /** Names of the programs whose folders could be read. */
  get places(): readonly string[] {
    const read = this.result?.places.filter(({ state }) => state === 'read' || state === 'limited') ?? [];
    const names = read.map(({ source }) => FOUND_IN[source]);
    return names.filter((name, index) => names.indexOf(name) === index);
  }

  async look(): Promise<void> {
    this.error = null;
    await this.#look();
  }

  /** Adds one to the library, in place. */
  async add(id: string): Promise<void> {
    this.error = null;
    await this.#try(async () => this.#added(await this.#services.invoke('modelAddFound', id)));
    // After a failure, too: the model may be gone.
    await this.#look();
  }

  async #look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    await this.#try(async () => {
      this.result = await this.#services.invoke('modelsFound');
    });
    this.looking = false;
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      // The first message of an action explains the others.
      this.error ??= EngineError.from(thrown).message;
    }
  }
}
