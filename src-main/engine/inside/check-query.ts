import type { InsideParams, InsideQuery } from '../api/inside-types.ts';
import { EngineError } from '../api/errors.ts';
import type { Model } from '../models/model.ts';
import { headsOf } from '../program/interventions.ts';

/** Maximum number of values in one answer: 32 MB as float32. */
const MAX_VALUES = 8_000_000;

/**
 * Checks a query against the model and the prompt, before anything is computed or allocated.
 * @throws EngineError BAD_REQUEST with the range or the limit, CONTEXT_FULL with both numbers
 */
export function checkQuery({ ids, query }: InsideParams, model: Model): void {
  const { contextSize, vocabularySize } = model.config;
  const heads = headsOf(model.program);
  if (ids.length > contextSize) {
    throw new EngineError(
      'CONTEXT_FULL',
      `The run has ${ids.length} tokens, but the context window of ${model.name} holds ${contextSize}.`,
      { promptTokens: ids.length, contextSize, model: model.name },
    );
  }
  if ('layer' in query) checkBelow('layer', query.layer, heads.length);
  if ('layer' in query && 'head' in query) checkBelow('head', query.head, heads[query.layer]);
  if ('token' in query) checkBelow('token', query.token, ids.length);
  if ('target' in query) checkBelow('target', query.target, vocabularySize);
  if ('rival' in query && query.rival !== undefined) checkBelow('rival', query.rival, vocabularySize);
  if ('from' in query) checkRange('query', query, ids.length);
  if ('keys' in query) checkRange('query.keys', query.keys, ids.length);
  const values = valuesOf(query, ids.length, model);
  if (values <= MAX_VALUES) return;
  throw new EngineError(
    'BAD_REQUEST',
    `This would list ${Math.ceil(values / 1e5) / 10} million numbers; the limit is ${MAX_VALUES / 1e6} million. Ask for fewer tokens.`,
    { field: 'query', values, maxValues: MAX_VALUES },
  );
}

function checkBelow(field: string, value: number, count: number): void {
  if (value < count) return;
  throw new EngineError('BAD_REQUEST', `query.${field} must be from 0 to ${count - 1}, not ${value}.`, {
    field: `query.${field}`,
    count,
  });
}

function checkRange(field: string, { from, to }: { from: number; to: number }, tokens: number): void {
  if (from < to && to <= tokens) return;
  throw new EngineError(
    'BAD_REQUEST',
    `${field}.from to ${field}.to must be a range of the ${tokens} tokens, not ${from} to ${to}.`,
    { field: `${field}.to`, tokens },
  );
}

/** Values in the answer, counted as float32. */
function valuesOf(query: InsideQuery, tokens: number, { config }: Model): number {
  const { hiddenSize, headDim, heads, layers, vocabularySize, feedForwardSize } = config;
  switch (query.kind) {
    case 'embedding':
      return (query.to - query.from) * hiddenSize + (query.neighbours > 0 ? vocabularySize : 0);
    case 'positions':
      return (query.to - query.from) * (hiddenSize + headDim);
    case 'attention': {
      const keys = query.keys ?? { from: 0, to: tokens };
      return (query.to - query.from) * (3 * tokens + 2 * headDim) + 2 * (keys.to - keys.from) * headDim;
    }
    case 'attention_maps':
      return heads * Math.min(query.size, tokens) ** 2;
    case 'feed_forward':
      // Rows of logits are computed for each neuron.
      return feedForwardSize + (query.neurons + 1) * (vocabularySize + feedForwardSize);
    case 'layer':
      return 5 * (query.to - query.from) * hiddenSize;
    case 'norms':
      return (3 * layers + 1) * (query.to - query.from);
    case 'logits':
      return vocabularySize;
    case 'lens':
    case 'attribution':
      return layers * hiddenSize;
    case 'cache':
      return layers;
    case 'tokens':
      return tokens;
  }
}
