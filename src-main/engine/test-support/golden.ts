import { readFileSync } from 'node:fs';

/** PyTorch's results for the built-in model, in float32. */
export interface Golden {
  prompts: {
    text: string;
    ids: number[];
    /** Raw, at the last position of the prompt. */
    last_logits: number[];
    greedy_ids: number[];
    greedy_stop: 'eos' | 'max_tokens';
    greedy_text: string;
    /** Per greedy step the ten most probable `[id, log probability]` with ids 0 and 2 masked. */
    top: [number, number][][];
  }[];
  trace: {
    text: string;
    ids: number[];
    /** `[layer][head][query][key]`. */
    attention: number[][][][];
    embedding: number[][];
    layer_outputs: number[][][];
  };
  full_window: { ids: number[]; top5_at_999: [number, number][]; mean_nll: number };
}

export function readGolden(): Golden {
  return JSON.parse(readFileSync(new URL('../fixtures/golden.json', import.meta.url), 'utf8')) as Golden;
}
