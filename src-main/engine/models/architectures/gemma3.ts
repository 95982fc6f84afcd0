import type { Value } from '../../program/program-builder.ts';
import type { DecoderLayer } from '../decoder.ts';
import { readGgufDecoder, readGgufSoftcap, readGgufWindow } from '../gguf/read-decoder.ts';
import { writeGgufDecoder } from '../gguf/write-decoder.ts';
import {
  HF_LIMITS,
  type HfSource,
  hfTokens,
  readHfDecoder,
  readLocalLayers,
  readSoftcap,
  readWindow,
  TRANSFORMERS_FORMAT,
} from '../huggingface/read-decoder.ts';
import { plainRope, readRope } from '../huggingface/rope.ts';
import { QUERY_KEY_NORMS } from '../huggingface/tensor-names.ts';
import type { Hyperparameters } from '../hyperparameters.ts';
import { type Architecture, PLAIN_USAGE } from './architecture.ts';
import { embeddingScale, GEMMA_DEFAULTS, GEMMA_TENSORS, gemmaScale, readQueryScale } from './gemma2.ts';

const DEFAULTS = { ...GEMMA_DEFAULTS, contextLength: 131_072, rope: { theta: 1e6, kind: 'full_attention' } };
/** Base of rotary embedding in local layers. */
const LOCAL_THETA = 1e4;
/** Five local layers to each global one. */
const PERIOD = 6;
/** Layer count of the 27B model. */
const LARGEST = 62;

/**
 * Gemma 3 (Gemma Team, 2025), the text model: Gemma 2 with norms on each head of q and k instead of the soft-cap on
 * scores, five local layers to each global one, and another rotary base in the local ones.
 */
export const gemma3: Architecture = {
  name: 'gemma3',
  ropePairing: 'halves',
  gguf: {
    read(header) {
      const { reader, key } = header;
      const hyper = readGgufDecoder(header);
      // Ollama's converter has its own keys. Without any, the base is Gemma 3's: llama.cpp's 10,000 fits no such model.
      const baseOf = (name: string, ollamas: string, fallback: number) =>
        reader.positive(key(`rope.${name}`), reader.positive(key(`rope.${ollamas}`), fallback));
      const freqBase = baseOf('freq_base', 'global.freq_base', DEFAULTS.rope.theta);
      const localBase = baseOf('freq_base_swa', 'local.freq_base', LOCAL_THETA);
      const rope = hyper.rope && { ...hyper.rope, freqBase };
      return {
        ...hyper,
        rope,
        attentionScale: gemmaScale(hyper, LARGEST),
        finalLogitSoftcap: readGgufSoftcap(header, 'final_logit_softcapping', 0),
        ...readGgufWindow(header, hyper.blockCount, { window: 0, period: PERIOD }),
        // Local layers see nearby tokens only, so their rotary embedding is never scaled.
        ropeLocal: rope && { ...rope, freqBase: localBase, scaling: { type: 'none' }, attentionFactor: 1 },
      };
    },
    write(hyper, keys) {
      writeGgufDecoder(hyper, keys, { windowPeriod: PERIOD });
      // 0 is off.
      keys.real('final_logit_softcapping', hyper.finalLogitSoftcap ?? 0);
      if (!hyper.ropeLocal) return;
      if (hyper.ropeLocal.scaling.type !== 'none') throw keys.unsupported('scaled rotary embedding in local layers');
      keys.real('rope.freq_base_swa', hyper.ropeLocal.freqBase);
    },
    attentionScale: (hyper) => gemmaScale(hyper, LARGEST),
  },
  huggingFace: {
    ...TRANSFORMERS_FORMAT,
    types: ['gemma3_text'],
    read(source) {
      const { config } = source;
      const hyper = readHfDecoder(source, DEFAULTS);
      // transformers also writes `_sliding_window_pattern`, which may be stale and is not read.
      const isLocal = (layer: number) =>
        (layer + 1) % config.optionalInteger('sliding_window_pattern', HF_LIMITS.layers, PERIOD) !== 0;
      return {
        ...hyper,
        attentionScale: readQueryScale(source),
        // The configuration also has attn_logit_softcapping, which the model ignores.
        finalLogitSoftcap: readSoftcap(config, 'final_logit_softcapping', null),
        ...readLocalLayers(config, hyper.blockCount, readWindow(config, 4096), isLocal),
        ropeLocal: readLocalRope(source, hyper),
      };
    },
    readTokens: hfTokens(2, 1),
    tensors: { ...GEMMA_TENSORS, block: { ...GEMMA_TENSORS.block, ...QUERY_KEY_NORMS } },
  },
  usage: PLAIN_USAGE,
  program(model) {
    let x = model.embedding(model.p.scale(model.tokenEmbedding(), embeddingScale(model.hyper.embeddingLength)));
    for (const layer of model.layers) x = gemma3Layer(layer, x);
    return model.logits(model.rmsNorm('output_norm', x));
  },
};

/** rope_scaling applies to the global layers only. */
function readLocalRope({ config }: HfSource, hyper: Hyperparameters) {
  const key = 'rope_local_base_freq';
  const theta = config.isSet(key) ? config.positive(key) : LOCAL_THETA;
  const isNested = config.object('rope_parameters')?.object('sliding_attention');
  if (isNested) return readRope(config, { theta, kind: 'sliding_attention' }, hyper);
  return plainRope(theta, hyper.keyLength);
}

function gemma3Layer(layer: DecoderLayer, input: Value): Value {
  const { q, k, v } = layer.separateProjections(layer.rmsNorm('attn_norm', input));
  const attended = layer.attention({
    q: layer.rope(layer.headNorm('attn_q_norm', q)),
    k: layer.rope(layer.headNorm('attn_k_norm', k)),
    v,
  });
  const x = layer.afterAttention(input, layer.rmsNorm('post_attention_norm', attended));
  const fed = layer.gatedFeedForward(layer.rmsNorm('ffn_norm', x), 'gelu');
  return layer.afterFeedForward(x, layer.rmsNorm('post_ffw_norm', fed));
}
