import { EngineError } from '../../engine/api/errors.ts';
import type { InsideAnswer, InsideParams, InsideQuery } from '../../engine/api/types.ts';
import type { EngineApi } from './api.ts';

/** The answer to a query of this kind. */
export type AnswerTo<Q extends InsideQuery> = Extract<InsideAnswer, { kind: Q['kind'] }>;

/**
 * Asks about a run; the answer has the type of the query.
 * @throws EngineError BAD_REQUEST with the range or the limit, CONTEXT_FULL, OUT_OF_MEMORY, CANCELLED
 */
export async function askInside<Q extends InsideQuery>(
  engine: Pick<EngineApi, 'call'>,
  run: Omit<InsideParams, 'query'>,
  query: Q,
  options?: { signal?: AbortSignal },
): Promise<AnswerTo<Q>> {
  const answer = await engine.call('inside', { ...run, query }, options);
  if (answer.kind !== query.kind) {
    throw new EngineError('INTERNAL', `The engine answered ${query.kind} with ${answer.kind}.`);
  }
  return answer as AnswerTo<Q>;
}
