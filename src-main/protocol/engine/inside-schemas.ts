/** Schemas of what looks inside a run. */
import * as v from 'valibot';
import type { InsideParams, InsideQuery, Intervention } from '../../engine/api/types.ts';
import { modelId, schemaOf } from '../fields.ts';
import { MAX_TOKEN_ID } from '../setting-schemas.ts';

/** More than the layers, and the heads, of any model. */
const MAX_INDEX = 65_535;
const MAX_INTERVENTIONS = 1000;

const index = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_INDEX));
const id = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_TOKEN_ID));

export const interventions = v.pipe(
  v.array(
    schemaOf<Intervention>()(
      v.variant('kind', [
        v.strictObject({ kind: v.literal('head'), layer: index, head: index }),
        v.strictObject({ kind: v.literal('attention'), layer: index }),
        v.strictObject({ kind: v.literal('feed_forward'), layer: index }),
        v.strictObject({ kind: v.literal('positions') }),
        v.strictObject({ kind: v.literal('causal_mask') }),
        // Tokens and ids have the same range.
        v.strictObject({ kind: v.literal('token'), index: id, id }),
      ]),
    ),
  ),
  v.maxLength(MAX_INTERVENTIONS),
);

/** Tokens, neurons and neighbours that are listed, and rows of a picture. */
const MAX_LISTED = 1000;

const count = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_LISTED));
const layer = index;
const range = { from: id, to: id };
const token = id;

const insideQuery = schemaOf<InsideQuery>()(
  v.variant('kind', [
    v.strictObject({ kind: v.literal('tokens') }),
    v.strictObject({ kind: v.literal('embedding'), token, neighbours: v.union([v.literal(0), count]), ...range }),
    v.strictObject({ kind: v.literal('positions'), layer, ...range }),
    v.strictObject({
      ...{ kind: v.literal('attention'), layer, head: index, ...range },
      keys: v.exactOptional(v.strictObject(range)),
    }),
    v.strictObject({ kind: v.literal('attention_maps'), layer, size: count }),
    v.strictObject({ kind: v.literal('feed_forward'), layer, token, neurons: count, tokens: count }),
    v.strictObject({ kind: v.literal('layer'), layer, ...range }),
    v.strictObject({ kind: v.literal('norms'), ...range }),
    v.strictObject({ kind: v.literal('logits'), token, top: count }),
    v.strictObject({ kind: v.literal('lens'), token, top: count }),
    v.strictObject({ kind: v.literal('attribution'), token, target: id, rival: v.exactOptional(id) }),
    v.strictObject({ kind: v.literal('cache') }),
  ]),
);

/** @param ids schema of a list of token ids */
export const insideParams = (ids: v.GenericSchema<unknown, number[]>) =>
  schemaOf<InsideParams>()(v.object({ ids, interventions, query: insideQuery, modelId: v.exactOptional(modelId) }));
