import type { SamplingParams } from '../../../src-main/engine/api/types.ts';
import type { SamplingSettings } from '../chat/sampling/sampling-settings.ts';

/** Settings to try on a token. They start as those that it was drawn with, and nothing stores them. */
export class WhatIf implements SamplingSettings {
  readonly owner = 'what if';
  sampling = $state.raw<SamplingParams>() as SamplingParams;
  /** Those that the token was drawn with. */
  base = $state.raw<SamplingParams>() as SamplingParams;

  constructor(base: SamplingParams) {
    this.base = base;
    this.sampling = base;
  }

  /** For another token, on which the same changes are tried. */
  rebase(base: SamplingParams): void {
    if (JSON.stringify(base) === JSON.stringify(this.base)) return;
    const { changed, patch } = this;
    this.base = base;
    this.sampling = changed.length === 0 ? base : { ...base, ...patch };
  }

  /** Settings that differ from those that the token was drawn with. */
  get changed(): (keyof SamplingParams)[] {
    const { sampling, base } = this;
    return (Object.keys(base) as (keyof SamplingParams)[]).filter(
      (key) => JSON.stringify(sampling[key]) !== JSON.stringify(base[key]),
    );
  }

  /** The changed settings. */
  get patch(): Partial<SamplingParams> {
    return Object.fromEntries(this.changed.map((key) => [key, this.sampling[key]]));
  }

  readonly setSampling = (patch: Partial<SamplingParams>): void => {
    this.sampling = { ...this.sampling, ...patch };
  };

  readonly reset = (keys: readonly (keyof SamplingParams)[]): void => {
    this.setSampling(Object.fromEntries(keys.map((key) => [key, this.base[key]])));
  };

  readonly isRecommended = (): boolean => false;
}
