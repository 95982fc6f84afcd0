import { type ArchitectureProgram, Decoder } from '../decoder.ts';
import { llamaLayer } from './llama.ts';

/** Qwen2 and Qwen2.5 (Yang et al., 2024): Llama with biases on q, k and v, and rotary embedding in halves. */
export const qwen2: ArchitectureProgram = (hyper, contextSize) => {
  const model = new Decoder(hyper, contextSize);
  let x = model.embedding(model.tokenEmbedding());
  for (const layer of model.layers) x = llamaLayer(layer, x);
  return model.logits(model.rmsNorm('output_norm', x));
};
