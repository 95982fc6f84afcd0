import { EngineError } from '../../errors.ts';
import type { TypedValue } from '../../formats/gguf/writer.ts';
import type { Hyperparameters, RopeParameters } from '../hyperparameters.ts';
import { ropeTable } from '../rope-table.ts';

/** A model's hyperparameters as GGUF writes them down. */
export interface GgufDescription {
  readonly metadata: ReadonlyMap<string, TypedValue>;
  /** Small float32 vectors that change rotary embedding. */
  readonly vectors: ReadonlyMap<string, readonly number[]>;
  /** What there is no key for and what that means. */
  readonly warnings: readonly string[];
}

/** Period of local and global layers that llama.cpp assumes. */
const DEFAULT_PERIOD = { gemma2: 2, gemma3: 6 } as const;

/**
 * @param name for `general.name`; null leaves it out
 * @throws EngineError UNSUPPORTED_ARCHITECTURE for a variant that GGUF cannot describe
 */
export function describeForGguf(hyper: Hyperparameters, name: string | null): GgufDescription {
  const { architecture } = hyper;
  const metadata = new Map<string, TypedValue>();
  const text = (key: string, value: string) => metadata.set(key, { type: 'string', value });
  const whole = (key: string, value: number) => metadata.set(`${architecture}.${key}`, { type: 'uint32', value });
  const real = (key: string, value: number) => metadata.set(`${architecture}.${key}`, { type: 'float32', value });

  text('general.architecture', architecture);
  text('general.type', 'model');
  if (name !== null) text('general.name', name);
  whole('vocab_size', hyper.vocabularySize);
  whole('context_length', hyper.contextLength);
  whole('embedding_length', hyper.embeddingLength);
  whole('block_count', hyper.blockCount);
  whole('feed_forward_length', hyper.feedForwardLength);
  whole('attention.head_count', hyper.headCount);
  whole('attention.head_count_kv', hyper.headCountKv);
  if (architecture === 'gpt2') real('attention.layer_norm_epsilon', hyper.normEpsilon);
  else {
    real('attention.layer_norm_rms_epsilon', hyper.normEpsilon);
    whole('attention.key_length', hyper.keyLength);
    whole('attention.value_length', hyper.keyLength);
  }
  // 0 is off.
  if (architecture === 'gemma2') real('attn_logit_softcapping', hyper.attentionLogitSoftcap ?? 0);
  if (architecture === 'gemma2' || architecture === 'gemma3') {
    real('final_logit_softcapping', hyper.finalLogitSoftcap ?? 0);
    const period = periodOf(hyper, DEFAULT_PERIOD[architecture]);
    // Without a key for "no window", one as wide as the context is the same.
    whole('attention.sliding_window', hyper.slidingWindow ?? hyper.contextLength);
    if (hyper.slidingWindow !== null && period !== DEFAULT_PERIOD[architecture]) {
      whole('attention.sliding_window_pattern', period);
    }
  }
  const vectors = hyper.rope ? describeRope(hyper, hyper.rope, { text, whole, real }) : new Map<string, number[]>();
  checkRopeLayers(hyper);
  return { metadata, vectors, warnings: windowWarnings(hyper) };
}

interface Keys {
  text(key: string, value: string): void;
  whole(key: string, value: number): void;
  real(key: string, value: number): void;
}

/** Writes the keys and gives the vectors. */
function describeRope(hyper: Hyperparameters, rope: RopeParameters, keys: Keys): Map<string, readonly number[]> {
  const { architecture, ropeLocal, contextLength } = hyper;
  const { scaling } = rope;
  const vectors = new Map<string, readonly number[]>();
  keys.real('rope.freq_base', rope.freqBase);
  keys.whole('rope.dimension_count', rope.dimensionCount);
  const type = (name: string) => keys.text(`${architecture}.rope.scaling.type`, name);
  switch (scaling.type) {
    case 'none':
      break;
    case 'linear':
      type('linear');
      keys.real('rope.scaling.factor', scaling.factor);
      break;
    case 'llama3': {
      // GGUF has the result instead of the recipe: a divisor per pair.
      const plain = ropeTable({ ...rope, scaling: { type: 'none' } }, contextLength).frequencies;
      const scaled = ropeTable(rope, contextLength).frequencies;
      vectors.set(
        'rope_freqs.weight',
        plain.map((frequency, pair) => frequency / scaled[pair]),
      );
      break;
    }
    case 'yarn': {
      if (!scaling.truncate) throw unsupported('YaRN scaling with an unrounded ramp', hyper);
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
      vectors.set('rope_factors_long.weight', scaling.longFactors);
      vectors.set('rope_factors_short.weight', scaling.shortFactors);
      break;
  }
  if (architecture === 'gemma3' && ropeLocal) {
    if (ropeLocal.scaling.type !== 'none') throw unsupported('scaled rotary embedding in local layers', hyper);
    keys.real('rope.freq_base_swa', ropeLocal.freqBase);
  }
  return vectors;
}

/** p when the last of every p layers is global and the others are local; `usual` where that fits too. */
function periodOf(hyper: Hyperparameters, usual: number): number {
  const { localLayers, slidingWindow, blockCount } = hyper;
  if (slidingWindow === null) return usual;
  const fits = (period: number) => localLayers.every((local, layer) => local === layer % period < period - 1);
  const periods = [usual, ...Array.from({ length: blockCount + 1 }, (_, i) => i + 1)];
  const period = periods.find(fits);
  if (period === undefined) throw unsupported('an irregular order of local and global layers', hyper);
  return period;
}

function checkRopeLayers({ architecture, ropeLayers, ...hyper }: Hyperparameters): void {
  const usual = (layer: number) => architecture !== 'smollm3' || (layer + 1) % 4 !== 0;
  if (architecture === 'gpt2' || ropeLayers.every((rope, layer) => rope === usual(layer))) return;
  throw unsupported('layers without rotary embedding other than every fourth', { architecture, ropeLayers, ...hyper });
}

function windowWarnings({ architecture, slidingWindow }: Hyperparameters): string[] {
  if (slidingWindow === null || architecture === 'gemma2' || architecture === 'gemma3') return [];
  return [
    `GGUF has no key for the sliding window of ${slidingWindow} tokens in a ${architecture} model: ` +
      'with longer texts, the new file will attend to all tokens.',
  ];
}

function unsupported(what: string, { architecture }: Hyperparameters): EngineError {
  return new EngineError(
    'UNSUPPORTED_ARCHITECTURE',
    `The ${architecture} model has ${what}, for which GGUF has no key. You can run it as it is, but not convert it.`,
    { architecture },
  );
}
