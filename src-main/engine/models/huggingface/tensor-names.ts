import type { DescribedModel } from '../architectures/architecture.ts';

/** Maps the GGUF tensor names of a program to those of a Hugging Face folder. */
export interface HfTensors {
  /** Prefix of every name but the output matrix's; files of base models omit it. Null for none. */
  readonly root: string | null;
  /** Prefix of the layer number. */
  readonly layers: string;
  /**
   * Names outside the layers and in a layer, without `.weight` and `.bias`. If a name ends with an underscore, `weight`
   * or `bias` follows without a dot.
   */
  readonly model: Readonly<Record<string, string>>;
  readonly block: Readonly<Record<string, string>>;
  /** How a tensor differs from GGUF's, apart from the order of rows that rotate. */
  readonly change: (part: string, kind: string) => 'none' | 'plus-one' | 'transpose';
}

/** How a tensor of a Hugging Face folder differs from GGUF's. */
export type HfLayout =
  | { readonly change: 'none' }
  /** The first axis holds heads whose rows rotate in halves; GGUF interleaves them. */
  | { readonly change: 'interleave'; readonly heads: number }
  /** Gemma's norms multiply by 1 + weight; GGUF stores the sum. */
  | { readonly change: 'plus-one' }
  /** GPT-2's Conv1D stores `[inputs, outputs]`. */
  | { readonly change: 'transpose' };

/** Where a Hugging Face folder stores a tensor that a program declares. */
export interface HfTensor {
  /** The first of these that the folder has is used. */
  readonly names: readonly string[];
  readonly layout: HfLayout;
}

/** Names that most architectures of transformers share. */
export const COMMON_TENSORS = {
  root: 'model',
  layers: 'layers',
  model: { token_embd: 'embed_tokens', output_norm: 'norm' },
  block: {
    attn_norm: 'input_layernorm',
    attn_q: 'self_attn.q_proj',
    attn_k: 'self_attn.k_proj',
    attn_v: 'self_attn.v_proj',
    attn_output: 'self_attn.o_proj',
    ffn_norm: 'post_attention_layernorm',
    ffn_gate: 'mlp.gate_proj',
    ffn_up: 'mlp.up_proj',
    ffn_down: 'mlp.down_proj',
  },
  change: () => 'none',
} as const satisfies HfTensors;

/** Norms of the queries and keys. */
export const QUERY_KEY_NORMS = { attn_q_norm: 'self_attn.q_norm', attn_k_norm: 'self_attn.k_norm' } as const;

/** In models with norms after attention and feed-forward, `post_attention_layernorm` really is one. */
export const POST_NORMS = {
  ffn_norm: 'pre_feedforward_layernorm',
  post_attention_norm: 'post_attention_layernorm',
  post_ffw_norm: 'post_feedforward_layernorm',
} as const;

/** The output matrix has no prefix. */
const OUTPUT = 'lm_head';
export const HF_OUTPUT_MATRIX = `${OUTPUT}.weight`;

/** Tensors that are not weights: masks and frequencies stored by old versions. */
const BUFFERS = /(?:^|\.)(?:rotary_emb\.inv_freq|attn\.bias|attn\.masked_bias)$/;

export function isHfBuffer(name: string): boolean {
  return BUFFERS.test(name);
}

/**
 * The folder's tensor for a GGUF name, or undefined when the architecture has none.
 * @param name for example `blk.3.attn_q.weight`
 */
export function hfTensor(name: string, model: DescribedModel): HfTensor | undefined {
  const match = /^(?:blk\.(?<block>\d+)\.)?(?<part>\w+)\.(?<kind>weight|bias)$/.exec(name)?.groups;
  if (!match) return undefined;
  const { block, part, kind } = match;
  if (block === undefined && part === 'output') return { names: [`${OUTPUT}.${kind}`], layout: { change: 'none' } };
  const tensors = model.architecture.huggingFace.tensors;
  const table = block === undefined ? tensors.model : tensors.block;
  if (!Object.hasOwn(table, part)) return undefined;
  const inLayer = block === undefined ? '' : `${tensors.layers}.${block}.`;
  const path = `${inLayer}${table[part]}${table[part].endsWith('_') ? '' : '.'}${kind}`;
  const names = tensors.root === null ? [path] : [`${tensors.root}.${path}`, path];
  return { names, layout: layoutOf(part, kind, model) };
}

function layoutOf(part: string, kind: string, { architecture, hyperparameters }: DescribedModel): HfLayout {
  if (architecture.ropePairing === 'interleaved') {
    if (part === 'attn_q') return { change: 'interleave', heads: hyperparameters.headCount };
    if (part === 'attn_k') return { change: 'interleave', heads: hyperparameters.headCountKv };
  }
  return { change: architecture.huggingFace.tensors.change(part, kind) };
}
