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

interface Check {
  readonly state: CheckState;
  /** What was checked; null while it runs. */
  readonly file: string | null;
}

/** Integrity checks of model files by SHA-256, on request. */
export class FileChecks {
  readonly #checks = new SvelteMap<string, Check>();
  readonly #services: AppServices;
  readonly #look: (modelId: string) => Promise<ModelListing | null>;

  /** @param look the listing of a model, which is read again */
  constructor(services: AppServices, look: (modelId: string) => Promise<ModelListing | null>) {
    this.#services = services;
    this.#look = look;
  }

  /** A result is only that of the file that was checked. */
  of(model: ModelListing): CheckState | null {
    const check = this.#checks.get(model.id);
    return check && (check.state.state === 'running' || check.file === fileOf(model)) ? check.state : null;
  }

  async run(modelId: string): Promise<void> {
    if (this.#isRunning(modelId)) return;
    this.#checks.set(modelId, { state: { state: 'running', bytes: 0, totalBytes: 0 }, file: null });
    const model = await this.#look(modelId);
    const file = model && fileOf(model);
    try {
      const result = await this.#services.invoke('modelVerify', modelId);
      this.#checks.set(modelId, { state: { state: 'done', result }, file });
      announce(result.text);
    } catch (thrown) {
      this.#checks.set(modelId, { state: { state: 'failed', message: EngineError.from(thrown).message }, file });
    }
  }

  /** Its changed file was accepted: the result was that of the file before. */
  forget(modelId: string): void {
    if (!this.#isRunning(modelId)) this.#checks.delete(modelId);
  }

  /** Handles an event of the app. */
  take({ modelId, bytes, totalBytes }: Extract<AppEvent, { type: 'verify' }>): void {
    if (!this.#isRunning(modelId)) return;
    this.#checks.set(modelId, { state: { state: 'running', bytes, totalBytes }, file: null });
  }

  #isRunning(modelId: string): boolean {
    return this.#checks.get(modelId)?.state.state === 'running';
  }
}

/** Changes when the file is replaced or moved. */
function fileOf({ path, fileBytes, state, addedAt }: ModelListing): string {
  return JSON.stringify([path, fileBytes, state, addedAt]);
}
