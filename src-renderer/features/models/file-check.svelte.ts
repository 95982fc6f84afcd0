import { SvelteMap } from 'svelte/reactivity';
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { AppEvent, AppServices, ModelVerification } from '../../../src-main/protocol/app/app-services.ts';
import { announce } from '../../ui/live-region.svelte.ts';

export type CheckState =
  | { state: 'running'; bytes: number; totalBytes: number }
  | { state: 'done'; result: ModelVerification }
  | { state: 'failed'; message: string };

/** Integrity checks of model files by SHA-256, on request. */
export class FileChecks {
  readonly #states = new SvelteMap<string, CheckState>();
  readonly #services: AppServices;

  constructor(services: AppServices) {
    this.#services = services;
  }

  of(modelId: string): CheckState | null {
    return this.#states.get(modelId) ?? null;
  }

  async run(modelId: string): Promise<void> {
    if (this.of(modelId)?.state === 'running') return;
    this.#states.set(modelId, { state: 'running', bytes: 0, totalBytes: 0 });
    try {
      const result = await this.#services.invoke('modelVerify', modelId);
      this.#states.set(modelId, { state: 'done', result });
      announce(result.text);
    } catch (thrown) {
      this.#states.set(modelId, { state: 'failed', message: EngineError.from(thrown).message });
    }
  }

  /** Handles an event of the app. */
  take({ modelId, bytes, totalBytes }: Extract<AppEvent, { type: 'verify' }>): void {
    if (this.of(modelId)?.state === 'running') this.#states.set(modelId, { state: 'running', bytes, totalBytes });
  }
}
