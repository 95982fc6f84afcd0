import { SvelteMap } from 'svelte/reactivity';
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type {
  AppEvent,
  AppServices,
  ModelListing,
  ModelVerification,
} from '../../../src-main/protocol/app/app-services.ts';
import { announce } from '../../ui/live-region.svelte.ts';

export type CheckState =
  | { state: 'running'; bytes: number; totalBytes: number }
  | { state: 'done'; result: ModelVerification }
  | { state: 'failed'; message: string };

/** Integrity checks of model files by SHA-256, on request. */
export class FileChecks {
  readonly #states = new SvelteMap<string, CheckState>();
  /** What was checked, by model. Set before the result. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- read with the state, which changes later
  readonly #files = new Map<string, string | null>();
  readonly #services: AppServices;
  readonly #look: (modelId: string) => Promise<ModelListing | null>;

  /** @param look the listing of a model, which is read again */
  constructor(services: AppServices, look: (modelId: string) => Promise<ModelListing | null>) {
    this.#services = services;
    this.#look = look;
  }

  /** A result is only that of the file that was checked. */
  of(model: ModelListing): CheckState | null {
    const found = this.#states.get(model.id) ?? null;
    return found?.state === 'running' || this.#files.get(model.id) === fileOf(model) ? found : null;
  }

  async run(modelId: string): Promise<void> {
    if (this.#states.get(modelId)?.state === 'running') return;
    this.#states.set(modelId, { state: 'running', bytes: 0, totalBytes: 0 });
    const model = await this.#look(modelId);
    this.#files.set(modelId, model && fileOf(model));
    try {
      const result = await this.#services.invoke('modelVerify', modelId);
      this.#states.set(modelId, { state: 'done', result });
      announce(result.text);
    } catch (thrown) {
      this.#states.set(modelId, { state: 'failed', message: EngineError.from(thrown).message });
    }
  }

  /** Its changed file was accepted: the result was that of the file before. */
  forget(modelId: string): void {
    if (this.#states.get(modelId)?.state !== 'running') this.#states.delete(modelId);
  }

  /** Handles an event of the app. */
  take({ modelId, bytes, totalBytes }: Extract<AppEvent, { type: 'verify' }>): void {
    if (this.#states.get(modelId)?.state !== 'running') return;
    this.#states.set(modelId, { state: 'running', bytes, totalBytes });
  }
}

/** Changes when the file is replaced or moved. */
function fileOf({ path, fileBytes, state, addedAt }: ModelListing): string {
  return JSON.stringify([path, fileBytes, state, addedAt]);
}
