import { type ArchitectureProgram, Decoder } from '../decoder.ts';
import { llamaLayer } from './llama.ts';

/** SmolLM3 (Hugging Face, 2025): Llama whose every fourth layer has no positions (NoPE, Yang et al., 2025). */
export const smollm3: ArchitectureProgram = (hyper, contextSize) => {
  const model = new Decoder(hyper, contextSize, 'interleaved');
  let x = model.embedding(model.tokenEmbedding());
  // `ropeLayers` says which layers rotate.
  for (const layer of model.layers) x = llamaLayer(layer, x);
  return model.logits(model.rmsNorm('output_norm', x));
};
