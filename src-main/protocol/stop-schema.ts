/** Why a reply ended, with the values that explain it. */
import * as v from 'valibot';
import type { Stop } from '../engine/api/types.ts';
import { errorPayload, schemaOf, text } from './fields.ts';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const milliseconds = v.pipe(v.number(), v.finite(), v.minValue(0));
const droppedTokens = v.exactOptional(count);

export const stop = schemaOf<Stop>()(
  v.variant('reason', [
    v.strictObject({
      reason: v.literal('eos'),
      token: v.nullable(v.object({ id: count, piece: text })),
      droppedTokens,
    }),
    v.strictObject({ reason: v.literal('max_tokens'), maxTokens: count, droppedTokens }),
    v.strictObject({ reason: v.literal('stop_string'), stopString: text, droppedTokens }),
    v.strictObject({ reason: v.literal('repetition'), window: count, droppedTokens }),
    v.strictObject({ reason: v.literal('time_limit'), timeLimitMs: milliseconds, tokens: count, droppedTokens }),
    v.strictObject({ reason: v.literal('context_full'), promptTokens: count, contextSize: count, droppedTokens }),
    v.strictObject({ reason: v.literal('user'), tokens: count, to: v.exactOptional(text), droppedTokens }),
    v.strictObject({ reason: v.literal('error'), tokens: count, error: errorPayload, droppedTokens }),
  ]),
);
