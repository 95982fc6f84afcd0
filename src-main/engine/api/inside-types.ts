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
  /** Most probable tokens, best first; `logprob` is natural. */
  top: { id: number; piece: string; logit: number; logprob: number }[];
}
