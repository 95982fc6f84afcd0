import { EngineError } from '../../engine/api/errors.ts';
import type { InsideAnswer, InsideParams, InsideQuery } from '../../engine/api/types.ts';
import type { EngineApi } from './api.ts';

/** The answer to a query of this kind. */
export type AnswerTo<Q extends InsideQuery> = Extract<InsideAnswer, { kind: Q['kind'] }>;

export interface AskOptions {
  signal?: AbortSignal;
  /** While it takes long: how much is computed, 0..1. */
  onProgress?: (fraction: number) => void;
}

/**
 * Asks about a run; the answer has the type of the query.
 * @throws EngineError BAD_REQUEST with the range or the limit, CONTEXT_FULL, OUT_OF_MEMORY, CANCELLED
 */
export async function askInside<Q extends InsideQuery>(
  engine: Pick<EngineApi, 'stream'>,
  run: Omit<InsideParams, 'query'>,
  query: Q,
  { signal, onProgress }: AskOptions = {},
): Promise<AnswerTo<Q>> {
  let answer: InsideAnswer | null = null;
  for await (const event of engine.stream('inside', { ...run, query }, signal && { signal })) {
    if (event.type === 'progress') onProgress?.(event.fraction);
    else answer = event.answer;
  }
  if (answer?.kind !== query.kind) {
    throw new EngineError('INTERNAL', `The engine answered ${query.kind} with ${answer?.kind ?? 'nothing'}.`);
  }
  return answer as AnswerTo<Q>;
}
