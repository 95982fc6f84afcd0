import * as v from 'valibot';
import type { MeasuredRate } from './app-services.ts';
import { schemaOf } from '../fields.ts';
import { isoDate, rate } from './fields.ts';

export const measuredRate = schemaOf<MeasuredRate>()(
  v.object({
    executor: v.picklist(['reference', 'wasm']),
    threads: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1024)),
    prefillTokensPerSecond: rate,
    decodeTokensPerSecond: rate,
    at: isoDate,
  }),
);
