/** Schemas of what looks inside a run. */
import * as v from 'valibot';
import type { Intervention } from '../../engine/api/types.ts';
import { schemaOf } from '../fields.ts';
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
