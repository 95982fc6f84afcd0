/** Writes the GGUF metadata of decoders that `read-decoder.ts` reads. */
import { EngineError } from '../../api/errors.ts';
import type { TypedValue } from '../../formats/gguf/writer.ts';
import type { Hyperparameters, RopeParameters } from '../hyperparameters.ts';
import { ropeTable } from '../rope-table.ts';
import { epsilonKey, type GgufVariant } from './read-decoder.ts';

/** Collects the keys of one model. */
export class GgufKeys {
  readonly metadata = new Map<string, TypedValue>();
  /** Small float32 tensors that change rotary embedding. */
  readonly vectors = new Map<string, readonly number[]>();
  /** What GGUF has no key for, and the consequence. */
  readonly warnings: string[] = [];

  /** @param architecture GGUF's name, the prefix of each key */
  constructor(readonly architecture: string) {}

  text(name: string, value: string): void {
    this.set(name, { type: 'string', value });
  }

  whole(name: string, value: number): void {
    this.set(name, { type: 'uint32', value });
  }

  real(name: string, value: number): void {
    this.set(name, { type: 'float32', value });
  }

  /** The error for what GGUF cannot express. */
  unsupported(what: string): EngineError {
    return new EngineError(
      'UNSUPPORTED_ARCHITECTURE',
      `The ${this.architecture} model has ${what}, for which GGUF has no key. You can run it as it is, but not convert it.`,
      { architecture: this.architecture },
    );
  }

  private set(name: string, value: TypedValue): void {
    this.metadata.set(`${this.architecture}.${name}`, value);
  }
}

/** What `writeGgufDecoder` needs besides the hyperparameters. */
export interface GgufWriteVariant extends GgufVariant {
  /** Period of local and global layers that readers assume; absent if they ignore windows. */
  readonly windowPeriod?: number;
}

/** @throws EngineError UNSUPPORTED_ARCHITECTURE for what GGUF has no key for */
export function writeGgufDecoder(hyper: Hyperparameters, keys: GgufKeys, variant: GgufWriteVariant = {}): void {
  const { layerNorm = false, rotates = () => true, windowPeriod } = variant;
  if (hyper.ropeLayers.some((rope, layer) => rope !== rotates(layer))) {
    throw keys.unsupported('rotary embedding in other layers than usual');
  }
  keys.whole('vocab_size', hyper.vocabularySize);
  keys.whole('context_length', hyper.contextLength);
  keys.whole('embedding_length', hyper.embeddingLength);
  keys.whole('block_count', hyper.blockCount);
  keys.whole('feed_forward_length', hyper.feedForwardLength);
  keys.whole('attention.head_count', hyper.headCount);
  keys.whole('attention.head_count_kv', hyper.headCountKv);
  keys.real(epsilonKey(layerNorm), hyper.normEpsilon);
  if (!layerNorm) {
    keys.whole('attention.key_length', hyper.keyLength);
    keys.whole('attention.value_length', hyper.keyLength);
  }
  if (windowPeriod !== undefined) writeWindow(hyper, keys, windowPeriod);
  else if (hyper.slidingWindow !== null) {
    keys.warnings.push(
      `GGUF has no key for the sliding window of ${hyper.slidingWindow} tokens in a ${keys.architecture} model: ` +
        'with longer texts, the new file will attend to all tokens.',
    );
  }
  if (hyper.rope) writeRope(hyper.rope, hyper.contextLength, keys);
}

function writeWindow(hyper: Hyperparameters, keys: GgufKeys, usualPeriod: number): void {
  const { localLayers, slidingWindow, blockCount, contextLength } = hyper;
  // There is no key for "no window"; one as wide as the context has the same effect.
  keys.whole('attention.sliding_window', slidingWindow ?? contextLength);
  if (slidingWindow === null) return;
  // The last of every so many layers is global and the others are local.
  const fits = (period: number) => localLayers.every((local, layer) => local === layer % period < period - 1);
  const period = [usualPeriod, ...Array.from({ length: blockCount + 1 }, (_, i) => i + 1)].find(fits);
  if (period === undefined) throw keys.unsupported('an irregular order of local and global layers');
  if (period !== usualPeriod) keys.whole('attention.sliding_window_pattern', period);
}

function writeRope(rope: RopeParameters, contextLength: number, keys: GgufKeys): void {
  const { scaling } = rope;
  keys.real('rope.freq_base', rope.freqBase);
  keys.whole('rope.dimension_count', rope.dimensionCount);
  const type = (name: string) => keys.text('rope.scaling.type', name);
  switch (scaling.type) {
    case 'none':
      break;
    case 'linear':
      type('linear');
      keys.real('rope.scaling.factor', scaling.factor);
      break;
    case 'llama3': {
      // GGUF stores the result instead of the parameters: a divisor per pair.
      const plain = ropeTable({ ...rope, scaling: { type: 'none' } }, contextLength).frequencies;
      const scaled = ropeTable(rope, contextLength).frequencies;
      keys.vectors.set(
        'rope_freqs.weight',
        plain.map((frequency, pair) => frequency / scaled[pair]),
      );
      break;
    }
    case 'yarn': {
      if (!scaling.truncate) throw keys.unsupported('YaRN scaling with an unrounded ramp');
      type('yarn');
      keys.real('rope.scaling.factor', scaling.factor);
      keys.whole('rope.scaling.original_context_length', scaling.originalContextLength);
      if (scaling.betaFast !== 32) keys.real('rope.scaling.yarn_beta_fast', scaling.betaFast);
      if (scaling.betaSlow !== 1) keys.real('rope.scaling.yarn_beta_slow', scaling.betaSlow);
      const usual = scaling.factor > 1 ? 1 + 0.1 * Math.log(scaling.factor) : 1;
      const ratio = rope.attentionFactor / usual;
      if (Math.abs(ratio - 1) > 1e-6) keys.real('rope.scaling.attn_factor', ratio);
      break;
    }
    case 'longrope':
      type('longrope');
      keys.whole('rope.scaling.original_context_length', scaling.originalContextLength);
      keys.real('rope.scaling.attn_factor', rope.attentionFactor);
      keys.vectors.set('rope_factors_long.weight', scaling.longFactors);
      keys.vectors.set('rope_factors_short.weight', scaling.shortFactors);
      break;
  }
}
