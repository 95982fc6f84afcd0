/** What can be asked about the inside of a run: plain data, as in `types.ts`. */

/** A change to a run. Layers, heads and tokens count from 0. */
export type Intervention =
  /** The head's weighted sum of values is 0. */
  | { kind: 'head'; layer: number; head: number }
  /** The layer's attention adds nothing to the residual stream, not even its bias. */
  | { kind: 'attention'; layer: number }
  /** The layer's feed-forward network adds nothing to the residual stream, not even its bias. */
  | { kind: 'feed_forward'; layer: number }
  /** Position vectors are 0; rotary embedding does not rotate. */
  | { kind: 'positions' }
  /** Tokens also attend to the tokens after them. */
  | { kind: 'causal_mask' }
  /** Another token takes the place of one. */
  | { kind: 'token'; index: number; id: number };

/**
 * A part of a logit: `embed`, `position`, `attn:LAYER.HEAD`, `ffn:LAYER`, `bias` (of all matrices and norms) or `rest`
 * (soft-cap and rounding).
 */
export interface AttributionPart {
  part: string;
  value: number;
}

/** What the residual stream after a layer would predict. */
export interface LensLayer {
  layer: number;
  /** Most probable tokens, best first; `piece` as in `Candidate`, `logprob` natural. */
  top: { id: number; piece: string; logit: number; logprob: number }[];
}

/** A run to look inside. The engine computes what is asked about, and remembers it (`releaseInside` drops it). */
export interface InsideParams {
  /** At least one, at most as many as the context window holds. */
  ids: number[];
  interventions: Intervention[];
  query: InsideQuery;
  /** Of the model in memory that runs them; by default the one that answers. */
  modelId?: string;
}

/** What can be asked about a run. Tokens, layers and heads count from 0; ranges are `[from, to)`. */
export type InsideQuery =
  /** How the tokenizer came to each token. */
  | { kind: 'tokens' }
  /** Rows of the token table for a range of tokens, and the nearest neighbours of one token by cosine, or 0 of them. */
  | { kind: 'embedding'; token: number; neighbours: number; from: number; to: number }
  /** Rows of the position table, or the angles that a layer rotates by. */
  | { kind: 'positions'; layer: number; from: number; to: number }
  /** One head, for a range of queries. Keys and values are those of the range `keys`, by default of all tokens. */
  | {
      kind: 'attention';
      layer: number;
      head: number;
      from: number;
      to: number;
      keys?: { from: number; to: number };
    }
  /** The weights of all heads of a layer as pictures of at most `size` x `size`. */
  | { kind: 'attention_maps'; layer: number; size: number }
  /** The `neurons` that fire most at a token, and the `tokens` that each promotes and suppresses most. */
  | { kind: 'feed_forward'; layer: number; token: number; neurons: number; tokens: number }
  /** The residual stream in a layer, for a range of tokens. */
  | { kind: 'layer'; layer: number; from: number; to: number }
  /** Lengths of the residual stream and of what each block adds, in all layers and for a range of tokens. */
  | { kind: 'norms'; from: number; to: number }
  /** The logits after a token. */
  | { kind: 'logits'; token: number; top: number }
  /** What each layer would predict after a token. */
  | { kind: 'lens'; token: number; top: number }
  /** Which parts made the logit of `target` after a token, or its difference to that of `rival`. */
  | { kind: 'attribution'; token: number; target: number; rival?: number }
  /** What the KV cache holds. */
  | { kind: 'cache' };

export type InsideEvent =
  /** How much of what the query needs is computed, 0..1. Not for a query that is answered soon. */
  { type: 'progress'; fraction: number } | { type: 'answer'; answer: InsideAnswer };

/** Answers have the `kind` of their query. Matrices are row-major, their shapes as given. */
export type InsideAnswer =
  | TokensAnswer
  | EmbeddingAnswer
  | PositionsAnswer
  | AttentionAnswer
  | AttentionMapsAnswer
  | FeedForwardAnswer
  | LayerAnswer
  | NormsAnswer
  | LogitsAnswer
  | LensAnswer
  | { kind: 'attribution'; logit: number; parts: AttributionPart[] }
  | CacheAnswer;

export interface TokensAnswer {
  kind: 'tokens';
  /** Of all tokens together, without special ones. */
  text: string;
  tokens: {
    id: number;
    /** Display text, as in `Candidate`; so are those of merges and of all answers below. */
    piece: string;
    /** What the token adds to the text, as UTF-8: perhaps part of a character, nothing if it is special. */
    bytes: number[];
    special: boolean;
    /** Whether it stands for a text that the vocabulary cannot spell. */
    unknown: boolean;
    /** Byte-pair encoding: what was joined to make the token, in order. Empty for single characters. */
    merges: TokenMerge[];
    /** WordPiece: the pieces that were looked up at this place, longest first; the last is the token. */
    attempts: string[];
  }[];
}

/** Two symbols become one. */
export interface TokenMerge {
  left: string;
  right: string;
  /** Lower is earlier. */
  rank: number;
}

export interface EmbeddingAnswer {
  kind: 'embedding';
  /** `[to - from, hidden]`: the row of each token, before any scaling. */
  rows: Float32Array;
  hidden: number;
  /** Most similar first, without the token itself. */
  neighbours: { id: number; piece: string; cosine: number }[];
}

export interface PositionsAnswer {
  kind: 'positions';
  /** `[to - from, hidden]`: learned vectors; null if the model has none. */
  rows: Float32Array | null;
  hidden: number;
  /** Null if the layer does not rotate. */
  rotary: RotaryAngles | null;
}

export interface RotaryAngles {
  headDim: number;
  /** Dimensions of pair i: (2i, 2i + 1) when interleaved, (i, i + pairs) when in halves. */
  pairing: 'interleaved' | 'halves';
  /** Factor on cos and sin. */
  magnitude: number;
  /** `[pairs]`: radians per position. */
  frequencies: Float64Array;
  /** `[to - from, pairs]`: radians. */
  angles: Float64Array;
}

export interface AttentionAnswer {
  kind: 'attention';
  /** Head of K and V that the query head reads. */
  kvHead: number;
  headDim: number;
  /** Tokens that the columns stand for: the first `context`. */
  context: number;
  /** Factor on q·k. */
  scale: number;
  /** Scaled scores become c * tanh(score / c); null for no soft-cap. */
  softcap: number | null;
  /** Tokens attended to, including the token's own; null for all before it. */
  window: number | null;
  causal: boolean;
  /** `[to - from, headDim]`, after norms and rotation. */
  queries: Float32Array;
  /** First token of `keys` and `values`. */
  firstKey: number;
  /** `[keys that were asked for, within context, headDim]` each. */
  keys: Float32Array;
  values: Float32Array;
  /** `[to - from, context]`: before softmax, in double precision from queries and keys; -Infinity where masked. */
  scores: Float64Array;
  /** `[to - from, context]`: after softmax, as the executor computed them. */
  weights: Float32Array;
  /** `[to - from, headDim]`: the weighted sums of values. */
  output: Float32Array;
}

export interface AttentionMapsAnswer {
  kind: 'attention_maps';
  heads: number;
  /** Rows and columns of each picture. */
  size: number;
  /** Tokens per row and column; the last may stand for fewer. */
  tokensPerCell: number;
  /** `[heads, size, size]`: the largest weight in each cell. */
  maps: Float32Array;
}

export interface FeedForwardAnswer {
  kind: 'feed_forward';
  /** What the neurons do with the products of the first matrix. */
  function: 'relu' | 'silu' | 'gelu';
  /** Whether the result is multiplied with the products of another matrix. */
  gated: boolean;
  /** `[feed-forward]`: activations of all neurons. */
  activations: Float32Array;
  /** By absolute activation, largest first. `logit` is what the neuron adds with the norms' scales held fixed. */
  neurons: { neuron: number; activation: number; promotes: TokenEffect[]; suppresses: TokenEffect[] }[];
}

export interface TokenEffect {
  id: number;
  piece: string;
  logit: number;
}

export interface LayerAnswer {
  kind: 'layer';
  hidden: number;
  /** `[to - from, hidden]` each. */
  input: Float32Array;
  attention: Float32Array;
  afterAttention: Float32Array;
  feedForward: Float32Array;
  output: Float32Array;
}

/** Euclidean lengths. */
export interface NormsAnswer {
  kind: 'norms';
  layers: number;
  /** `to - from`. */
  tokens: number;
  /** `[layers + 1, tokens]`: the input of the first layer, then the output of each. */
  stream: Float32Array;
  /** `[layers, tokens]` each: what the block adds. */
  attention: Float32Array;
  feedForward: Float32Array;
}

export interface LensAnswer {
  kind: 'lens';
  /** Whether a norm is applied before the output matrix. */
  norm: boolean;
  layers: LensLayer[];
}

export interface LogitsAnswer {
  kind: 'logits';
  /** `[vocabulary]`, raw. */
  logits: Float32Array;
  top: LensLayer['top'];
}

export interface CacheAnswer {
  kind: 'cache';
  /** Cells in total and free. */
  cells: number;
  free: number;
  /** Cells that several sequences hold: a common prefix. */
  shared: number;
  /** Of the run's tokens, those that the cache holds from the first on: they would not be computed again. */
  resident: number;
  /** Tokens of each cached sequence, the one in use first; cells of common prefixes count in each. */
  sequences: number[];
  /** `[layers]`: bytes of K and V per token. */
  bytesPerToken: number[];
}
