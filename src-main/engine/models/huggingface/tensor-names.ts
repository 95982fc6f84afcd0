import type { Hyperparameters } from '../hyperparameters.ts';

/** How a tensor of a Hugging Face folder differs from GGUF's. */
export type HfLayout =
  | { readonly change: 'none' }
  /** The first axis holds heads whose rows rotate in halves; GGUF wants neighbours. */
  | { readonly change: 'interleave'; readonly heads: number }
  /** Gemma's norms multiply by 1 + weight; GGUF stores the sum. */
  | { readonly change: 'plus-one' }
  /** GPT-2's Conv1D stores `[inputs, outputs]`. */
  | { readonly change: 'transpose' };

/** Where a tensor that a program declares lies in a Hugging Face folder. */
export interface HfTensor {
  /** The first of these that the folder has: files of base models leave a prefix out. */
  readonly names: readonly string[];
  readonly layout: HfLayout;
}

const NONE: HfLayout = { change: 'none' };

const LLAMA_BLOCK = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_qkv: 'self_attn.qkv_proj',
  attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};
/** With norms after attention and feed-forward, `post_attention_layernorm` is what it says. */
const POST_NORM_BLOCK = {
  ...LLAMA_BLOCK,
  ffn_norm: 'pre_feedforward_layernorm',
  post_attention_norm: 'post_attention_layernorm',
  post_ffw_norm: 'post_feedforward_layernorm',
};
const PHI3_BLOCK = { ...LLAMA_BLOCK, ffn_up: 'mlp.gate_up_proj' };
const GPT2_BLOCK = {
  attn_norm: 'ln_1',
  attn_qkv: 'attn.c_attn',
  attn_output: 'attn.c_proj',
  ffn_norm: 'ln_2',
  ffn_up: 'mlp.c_fc',
  ffn_down: 'mlp.c_proj',
};
const LLAMA_MODEL = { token_embd: 'embed_tokens', output_norm: 'norm' };
const GPT2_MODEL = { token_embd: 'wte', position_embd: 'wpe', output_norm: 'ln_f' };

/** The output matrix stands outside of the model proper. */
export const HF_OUTPUT_MATRIX = 'lm_head.weight';

/** Tensors that are no weights: masks and frequencies that old versions stored. */
const BUFFERS = /(?:^|\.)(?:rotary_emb\.inv_freq|attn\.bias|attn\.masked_bias)$/;

export function isHfBuffer(name: string): boolean {
  return BUFFERS.test(name);
}

/**
 * The tensor of a Hugging Face folder behind GGUF's name, or undefined when the architecture has none of that name.
 * @param name for example `blk.3.attn_q.weight`
 */
export function hfTensor(name: string, hyper: Hyperparameters): HfTensor | undefined {
  if (name === 'output.weight') return { names: [HF_OUTPUT_MATRIX], layout: NONE };
  const match = /^(?:blk\.(?<block>\d+)\.)?(?<part>\w+)\.(?<kind>weight|bias)$/.exec(name)?.groups;
  if (!match) return undefined;
  const { block, part, kind } = match;
  const isGpt2 = hyper.architecture === 'gpt2';
  const table: Readonly<Record<string, string>> =
    block === undefined ? (isGpt2 ? GPT2_MODEL : LLAMA_MODEL) : blockTable(hyper.architecture);
  if (!Object.hasOwn(table, part)) return undefined;
  const inModel = block === undefined ? '' : `${isGpt2 ? 'h' : 'layers'}.${block}.`;
  const path = `${inModel}${table[part]}.${kind}`;
  return { names: [`${isGpt2 ? 'transformer' : 'model'}.${path}`, path], layout: layoutOf(part, kind, hyper) };
}

function blockTable(architecture: Hyperparameters['architecture']): Readonly<Record<string, string>> {
  switch (architecture) {
    case 'gemma2':
    case 'gemma3':
    case 'olmo2':
      return POST_NORM_BLOCK;
    case 'phi3':
      return PHI3_BLOCK;
    case 'gpt2':
      return GPT2_BLOCK;
    default:
      return LLAMA_BLOCK;
  }
}

function layoutOf(part: string, kind: string, { architecture, headCount, headCountKv }: Hyperparameters): HfLayout {
  switch (architecture) {
    case 'llama':
    case 'smollm3':
      if (part === 'attn_q') return { change: 'interleave', heads: headCount };
      return part === 'attn_k' ? { change: 'interleave', heads: headCountKv } : NONE;
    case 'gemma2':
    case 'gemma3':
      return part.endsWith('norm') ? { change: 'plus-one' } : NONE;
    case 'gpt2':
      return kind === 'weight' && /^(?:attn_qkv|attn_output|ffn_up|ffn_down)$/.test(part)
        ? { change: 'transpose' }
        : NONE;
    default:
      return NONE;
  }
}
