import { SvelteMap } from 'svelte/reactivity';
import type { SamplerName, SamplingParams } from '../../../../src-main/engine/api/types.ts';
import type { SamplingSettings } from './sampling-settings.ts';
import { keysOf, STAGES } from './stages.ts';

/** Which stages of a chain are on, and what turns them on and off. It outlives changes of chat and model. */
export class StageEdits {
  readonly #settings: () => SamplingSettings;
  /** The values that the latest edit of a stage left, by owner and stage. */
  readonly #edited = new SvelteMap<string, string>();
  /** Values to restore when a stage is turned on again. */
  readonly #remembered = new SvelteMap<string, Partial<SamplingParams>>();

  constructor(settings: () => SamplingSettings) {
    this.#settings = settings;
  }

  /** A stage without an effect stays on while it is being edited: until something else changes its values. */
  isOn(name: SamplerName): boolean {
    const { sampling } = this.#settings();
    return STAGES[name].isOn(sampling) || this.#edited.get(this.#key(name)) === valuesText(name, sampling);
  }

  change(name: SamplerName, patch: Partial<SamplingParams>): void {
    const settings = this.#settings();
    this.#edited.set(this.#key(name), valuesText(name, { ...settings.sampling, ...patch }));
    settings.setSampling(patch);
  }

  toggle(name: SamplerName, on: boolean): void {
    const key = this.#key(name);
    const stage = STAGES[name];
    if (on) return this.change(name, this.#remembered.get(key) ?? stage.suggested);
    const settings = this.#settings();
    if (stage.isOn(settings.sampling)) this.#remembered.set(key, valuesOf(name, settings.sampling));
    this.#edited.delete(key);
    settings.setSampling(stage.off);
  }

  #key(name: SamplerName): string {
    return `${name} ${this.#settings().owner}`;
  }
}

function valuesOf(name: SamplerName, sampling: SamplingParams): Partial<SamplingParams> {
  return Object.fromEntries(keysOf(STAGES[name]).map((key) => [key, sampling[key]]));
}

function valuesText(name: SamplerName, sampling: SamplingParams): string {
  return JSON.stringify(valuesOf(name, sampling));
}
