import type { Value } from '../../program/program-builder.ts';
import type { DecoderLayer } from '../decoder.ts';
import { readGgufDecoder, readGgufWindow, scaleOfHead } from '../gguf/read-decoder.ts';
import { writeGgufDecoder } from '../gguf/write-decoder.ts';
import {
  COMMON_DEFAULTS,
  type HfSource,
  hfTokens,
  readHfDecoder,
  readLocalLayers,
  readWindow,
  TRANSFORMERS_FORMAT,
} from '../huggingface/read-decoder.ts';
import { COMMON_TENSORS, POST_NORMS, QUERY_KEY_NORMS } from '../huggingface/tensor-names.ts';
import type { Hyperparameters } from '../hyperparameters.ts';
import { type Architecture, PLAIN_USAGE } from './architecture.ts';

const DEFAULTS = {
  ...COMMON_DEFAULTS,
  contextLength: 2048,
  normEpsilon: 1e-5,
  rope: { ...COMMON_DEFAULTS.rope, kind: 'full_attention' },
};
/** OLMo 3 has three local layers to each global one. */
const PERIOD = 4;

/**
 * OLMo 2 (OLMo Team, 2024): norms after attention and feed-forward instead of before, and norms over whole rows of q and
 * k. OLMo 3 (2025) adds local layers. Its GGUF files have OLMo 2's architecture and a window.
 */
export const olmo2: Architecture = {
  name: 'olmo2',
  ropePairing: 'halves',
  gguf: {
    read(header) {
      const hyper = readGgufDecoder(header);
      return withWindow(hyper, readGgufWindow(header, hyper.blockCount, { window: 0, period: PERIOD }));
    },
    write(hyper, keys) {
      // Any window makes the file an OLMo 3.
      writeGgufDecoder(hyper, keys, hyper.slidingWindow === null ? {} : { windowPeriod: PERIOD });
    },
    attentionScale: scaleOfHead,
  },
  huggingFace: {
    ...TRANSFORMERS_FORMAT,
    types: ['olmo2', 'olmo3'],
    read(source) {
      const { config, type } = source;
      const hyper = readHfDecoder(source, DEFAULTS);
      if (type === 'olmo2') return hyper;
      checkLocalRope(source, hyper);
      const isLocal = (layer: number) => (layer + 1) % PERIOD !== 0;
      return withWindow(hyper, readLocalLayers(config, hyper.blockCount, readWindow(config, 4096), isLocal));
    },
    readTokens: hfTokens(null, 50_279),
    tensors: { ...COMMON_TENSORS, block: { ...COMMON_TENSORS.block, ...POST_NORMS, ...QUERY_KEY_NORMS } },
  },
  usage: PLAIN_USAGE,
  program(model) {
    let x = model.embedding(model.tokenEmbedding());
    for (const layer of model.layers) x = olmo2Layer(layer, x);
    return model.logits(model.rmsNorm('output_norm', x));
  },
};

/**
 * Rotary embedding is scaled in global layers only, and the base is the same in all layers, as in llama.cpp. Some
 * versions of transformers 5 scaled it in all layers by mistake (its pull request 46911).
 */
function withWindow(
  hyper: Hyperparameters,
  window: Pick<Hyperparameters, 'slidingWindow' | 'localLayers'>,
): Hyperparameters {
  if (window.slidingWindow === null) return hyper;
  const ropeLocal = hyper.rope && { ...hyper.rope, scaling: { type: 'none' as const }, attentionFactor: 1 };
  return { ...hyper, ...window, ropeLocal };
}

/** Requires that local layers have what `withWindow` gives them, if the configuration describes them at all. */
function checkLocalRope({ config }: HfSource, { rope }: Hyperparameters): void {
  const local = config.object('rope_parameters')?.object('sliding_attention');
  if (!local || !rope) return;
  if (local.isSet('rope_type')) local.exactly('rope_type', 'default');
  const freqBase = local.isSet('rope_theta') ? local.positive('rope_theta') : rope.freqBase;
  if (freqBase !== rope.freqBase) throw local.bad('rope_theta', freqBase, `${rope.freqBase}, as in the other layers`);
}

/** x = x + norm(attention(x)); x = x + norm(ffn(x)). */
function olmo2Layer(layer: DecoderLayer, input: Value): Value {
  const { q, k, v } = layer.separateProjections(input);
  const attended = layer.attention({
    q: layer.rope(layer.rmsNorm('attn_q_norm', q)),
    k: layer.rope(layer.rmsNorm('attn_k_norm', k)),
    v,
  });
  const x = layer.afterAttention(input, layer.rmsNorm('post_attention_norm', attended));
  return layer.afterFeedForward(x, layer.rmsNorm('post_ffw_norm', layer.gatedFeedForward(x, 'silu')));
}
