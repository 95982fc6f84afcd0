import type { ModelListing } from '../../../../src-main/protocol/app/app-services.ts';
import type { ChatsState } from './chats.svelte.ts';
import type { EngineState } from './engine.svelte.ts';

/** The part of the library that is needed here. */
export interface ModelList {
  readonly listings: readonly ModelListing[];
  nameOf(id: string): string;
  /** Resolves when the model is loaded or loading failed; the engine's state says which, and the shell shows why. */
  load(id: string): Promise<void>;
  /**
   * A bigger context window for the loaded model that fits in memory; null if there is none.
   * @param needed tokens that it must hold @returns its size in tokens, and how much more memory it takes
   */
  biggerWindow(needed: number): { tokens: number; extraBytes: number } | null;
  /** Loads the loaded model again with another context window, as `load` does. */
  loadWindow(tokens: number): Promise<void>;
}

/** The model of a chat if a different one is loaded. */
export interface OtherModel {
  readonly id: string;
  readonly name: string;
  /** It is on this computer and can be loaded. */
  readonly loadable: boolean;
}

/** Whether the open chat used another model than the one that is loaded. */
export class OtherModelState {
  /** Set by the shell. */
  library = $state.raw<ModelList | null>(null);
  readonly #chats: Pick<ChatsState, 'current'>;
  readonly #engine: Pick<EngineState, 'model' | 'loadingId'>;

  constructor(parts: { chats: Pick<ChatsState, 'current'>; engine: Pick<EngineState, 'model' | 'loadingId'> }) {
    this.#chats = parts.chats;
    this.#engine = parts.engine;
  }

  /** The model of the last reply, else the one that the chat was started with; null if it is loaded, or without replies. */
  get current(): OtherModel | null {
    const chat = this.#chats.current;
    const last = chat.lastStarted;
    const { id, name } =
      last !== null && last.facts.modelId !== '' ? { id: last.facts.modelId, name: last.facts.model } : chat.model;
    if (id === '' || chat.isEmpty || id === (this.#engine.loadingId ?? this.#engine.model?.id)) return null;
    const listing = this.library?.listings.find((one) => one.id === id) ?? null;
    return {
      id,
      name: name === '' ? (this.library?.nameOf(id) ?? id) : name,
      loadable: listing !== null && listing.problem === null,
    };
  }
}
