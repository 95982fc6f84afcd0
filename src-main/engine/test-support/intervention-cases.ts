import type { Intervention } from '../api/inside-types.ts';

/** One intervention of each kind, for a model with at least two layers and two heads. */
export const INTERVENTION_CASES: readonly Intervention[][] = [
  [{ kind: 'head', layer: 0, head: 1 }],
  [{ kind: 'attention', layer: 1 }],
  [{ kind: 'feed_forward', layer: 0 }],
  [{ kind: 'positions' }],
  [{ kind: 'causal_mask' }],
];
