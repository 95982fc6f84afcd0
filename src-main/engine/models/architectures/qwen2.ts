import type { ConfigReader } from '../config-reader.ts';
import { readGgufDecoder, scaleOfHead } from '../gguf/read-decoder.ts';
import { writeGgufDecoder } from '../gguf/write-decoder.ts';
import {
  COMMON_DEFAULTS,
  HF_LIMITS,
  hfTokens,
  readHfDecoder,
  readLocalLayers,
  readWindow,
  TRANSFORMERS_FORMAT,
} from '../huggingface/read-decoder.ts';
import { COMMON_TENSORS } from '../huggingface/tensor-names.ts';
import { type Architecture, PLAIN_USAGE } from './architecture.ts';
import { llamaLayer } from './llama.ts';

export const QWEN_DEFAULTS = { ...COMMON_DEFAULTS, contextLength: 32_768, keyValueHeads: 32 };
const BIASES = { queryKeyValue: true, attentionOutput: false, feedForward: false };

/** Qwen2 and Qwen2.5 (Yang et al., 2024): Llama with biases on q, k and v, and rotary embedding in halves. */
export const qwen2: Architecture = {
  name: 'qwen2',
  ropePairing: 'halves',
  gguf: {
    read(header) {
      const hyper = readGgufDecoder(header);
      return { ...hyper, biases: { ...hyper.biases, queryKeyValue: true } };
    },
    write: writeGgufDecoder,
    attentionScale: scaleOfHead,
  },
  huggingFace: {
    ...TRANSFORMERS_FORMAT,
    types: ['qwen2'],
    read(source) {
      const hyper = readHfDecoder(source, QWEN_DEFAULTS);
      return { ...hyper, biases: BIASES, ...readQwenWindow(source.config, hyper.blockCount) };
    },
    readTokens: hfTokens(null, null),
    tensors: COMMON_TENSORS,
  },
  usage: PLAIN_USAGE,
  program(model) {
    let x = model.embedding(model.tokenEmbedding());
    for (const layer of model.layers) x = llamaLayer(layer, x);
    return model.logits(model.rmsNorm('output_norm', x));
  },
};

/** Published files have a window size that only applies when it is switched on, and then from a certain layer on. */
export function readQwenWindow(config: ConfigReader, blockCount: number) {
  const window = config.flag('use_sliding_window', false) ? readWindow(config, 4096) : null;
  const isLocal = (layer: number) =>
    layer >= (config.isSet('max_window_layers') ? config.integer('max_window_layers', 0, HF_LIMITS.layers) : 28);
  return readLocalLayers(config, blockCount, window, isLocal);
}
