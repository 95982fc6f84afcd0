import { readGgufDecoder, scaleOfHead } from '../gguf/read-decoder.ts';
import { writeGgufDecoder } from '../gguf/write-decoder.ts';
import {
  COMMON_DEFAULTS,
  HF_LIMITS,
  type HfSource,
  hfTokens,
  perLayer,
  readHfDecoder,
  readLocalLayers,
  readWindow,
  TRANSFORMERS_FORMAT,
} from '../huggingface/read-decoder.ts';
import { COMMON_TENSORS } from '../huggingface/tensor-names.ts';
import { type Architecture, PLAIN_USAGE } from './architecture.ts';
import { llamaLayer } from './llama.ts';

const DEFAULTS = { ...COMMON_DEFAULTS, contextLength: 32_768, keyValueHeads: 4, rope: { theta: 2e6 } };
/** GGUF has no key for the layers that rotate: llama.cpp skips every fourth. */
const GGUF_VARIANT = { rotates: (layer: number) => (layer + 1) % 4 !== 0 };

/** SmolLM3 (Hugging Face, 2025): Llama without positions in every fourth layer (NoPE, Yang et al., 2025). */
export const smollm3: Architecture = {
  name: 'smollm3',
  ropePairing: 'interleaved',
  gguf: {
    read: (header) => readGgufDecoder(header, GGUF_VARIANT),
    write: (hyper, keys) => writeGgufDecoder(hyper, keys, GGUF_VARIANT),
    attentionScale: scaleOfHead,
  },
  huggingFace: {
    ...TRANSFORMERS_FORMAT,
    types: ['smollm3'],
    read(source) {
      const { config } = source;
      const hyper = readHfDecoder(source, DEFAULTS);
      const ropeLayers = readRopeLayers(source, hyper.blockCount);
      const window = config.flag('use_sliding_window', false) ? readWindow(config, null) : null;
      return {
        ...hyper,
        biases: { ...hyper.biases, feedForward: config.flag('mlp_bias', false) },
        ropeLayers,
        ...readLocalLayers(config, hyper.blockCount, window, (layer) => !ropeLayers[layer]),
      };
    },
    readTokens: hfTokens(128_000, 128_001),
    tensors: COMMON_TENSORS,
  },
  usage: PLAIN_USAGE,
  program(model) {
    let x = model.embedding(model.tokenEmbedding());
    // `ropeLayers` says which layers rotate.
    for (const layer of model.layers) x = llamaLayer(layer, x);
    return model.logits(model.rmsNorm('output_norm', x));
  },
};

function readRopeLayers({ config }: HfSource, blockCount: number): boolean[] {
  const key = 'no_rope_layers';
  // Despite the key's name, 1 means a layer with rotary embedding.
  if (config.isSet(key)) return config.choices(key, [0, 1], blockCount).map((rope) => rope === 1);
  const interval = config.optionalInteger('no_rope_layer_interval', HF_LIMITS.layers, 4);
  return perLayer(blockCount, (layer) => (layer + 1) % interval !== 0);
}
