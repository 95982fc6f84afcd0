import type { ConfigReader } from '../config-reader.ts';
import { MAX_CONTEXT, MAX_LAYERS, optionalInteger } from './limits.ts';
import type { Hyperparameters } from '../hyperparameters.ts';

type Layers = Pick<Hyperparameters, 'slidingWindow' | 'localLayers' | 'ropeLayers'>;

/** Which layers of a config.json see only a window, and which turn their queries and keys. */
export function readLayers(config: ConfigReader, modelType: string, count: number): Layers {
  const layers = (is: (layer: number) => boolean) => Array.from({ length: count }, (_, layer) => is(layer));
  const ropeLayers = modelType === 'smollm3' ? readNoRope(config, count) : layers(() => modelType !== 'gpt2');
  const window = readSlidingWindow(config, modelType);
  if (window === null) return { slidingWindow: null, localLayers: layers(() => false), ropeLayers };
  const localLayers = config.isSet('layer_types')
    ? config
        .choices('layer_types', ['sliding_attention', 'full_attention'], count)
        .map((type) => type === 'sliding_attention')
    : layers(defaultPattern(config, modelType, ropeLayers));
  return { slidingWindow: localLayers.includes(true) ? window : null, localLayers, ropeLayers };
}

/** Tokens of the window, null for models and settings without one. */
function readSlidingWindow(config: ConfigReader, modelType: string): number | null {
  const read = (fallback: number | null) => {
    if (!config.has('sliding_window')) return fallback;
    return config.isSet('sliding_window') ? config.integer('sliding_window', 1, MAX_CONTEXT) : null;
  };
  switch (modelType) {
    case 'gemma2':
    case 'gemma3_text':
    case 'mistral':
      return read(4096);
    case 'phi3':
      return read(null);
    case 'qwen2':
    case 'qwen3':
    case 'smollm3':
      // Published files carry a number that does not count.
      return config.flag('use_sliding_window', false) ? read(modelType === 'smollm3' ? null : 4096) : null;
    default:
      return null;
  }
}

function defaultPattern(config: ConfigReader, modelType: string, ropeLayers: readonly boolean[]) {
  switch (modelType) {
    case 'gemma2':
      return (layer: number) => layer % 2 === 0;
    case 'gemma3_text': {
      // Beside layer_types transformers writes `_sliding_window_pattern`, which may be stale: it is not read.
      const pattern = optionalInteger(config, 'sliding_window_pattern', MAX_LAYERS, 6);
      return (layer: number) => (layer + 1) % pattern !== 0;
    }
    case 'qwen2':
    case 'qwen3': {
      const from = config.isSet('max_window_layers') ? config.integer('max_window_layers', 0, MAX_LAYERS) : 28;
      return (layer: number) => layer >= from;
    }
    case 'smollm3':
      return (layer: number) => !ropeLayers[layer];
    default:
      return () => true;
  }
}

function readNoRope(config: ConfigReader, count: number): boolean[] {
  // The key's name notwithstanding, 1 stands for a layer with rotary embedding.
  if (config.isSet('no_rope_layers')) return config.choices('no_rope_layers', [0, 1], count).map((rope) => rope === 1);
  const interval = optionalInteger(config, 'no_rope_layer_interval', MAX_LAYERS, 4);
  return Array.from({ length: count }, (_, layer) => (layer + 1) % interval !== 0);
}
