/**
 * Checks the values of requests. Their shapes were checked where they entered the process; here it is ranges and what
 * depends on the loaded model. Every refusal names the field and what is allowed.
 */
import { EngineError } from './errors.ts';
import {
  DEFAULT_SAMPLER_ORDER,
  type GenerateParams,
  type GrammarSource,
  type InspectParams,
  type ProfileParams,
  type PromptInput,
  type RenderChatParams,
  type SamplingParams,
  type ScoreParams,
  type StopParams,
} from './types.ts';

/** What the checks need to know of the loaded model. */
export interface RequestLimits {
  vocabularySize: number;
}

const MAX_INT32 = 2 ** 31 - 1;
const MAX_TOP_CANDIDATES = 100;
const MAX_STAGES = 32;
const MAX_STOP_STRINGS = 64;
const MAX_STOP_STRING_LENGTH = 1024;
const MAX_MESSAGES = 10_000;
const MAX_TIME_LIMIT_MS = 24 * 60 * 60 * 1000;
const MAX_BIAS = 1e9;
const MAX_BREAKERS = 64;
const MAX_BIASED_TEXTS = 256;
const MAX_BANNED_TEXTS = 256;
const MAX_BANNED_LENGTH = 1000;
const MAX_GRAMMAR_LENGTH = 256 * 1024;
const MAX_BREAKER_LENGTH = 40;

/** @throws EngineError BAD_REQUEST */
export function validateGenerateParams(params: GenerateParams, limits: RequestLimits): void {
  validatePrompt(params.prompt, limits);
  validateSampling(params.sampling, limits);
  validateStop(params.stop);
  integer('topCandidates', params.topCandidates, 0, MAX_TOP_CANDIDATES);
  if (params.continues?.stopString !== undefined) text('continues.stopString', params.continues.stopString);
  if (typeof params.useKvCache !== 'boolean') refuse('useKvCache', params.useKvCache, 'true or false');
}

/** @throws EngineError BAD_REQUEST */
export function validateScoreParams(params: ScoreParams, limits: RequestLimits): void {
  validatePrompt(params.prompt, limits);
  integer('top', params.top, 0, MAX_TOP_CANDIDATES);
}

/** @throws EngineError BAD_REQUEST */
export function validateProfileParams({ prompt, context, generate }: ProfileParams): void {
  for (const [field, value] of Object.entries({ prompt, context, generate })) integer(field, value, 1, MAX_INT32);
}

/** @throws EngineError BAD_REQUEST */
export function validateInspectParams(params: InspectParams, limits: RequestLimits): void {
  validatePrompt(params.prompt, limits);
  validateSampling(params.sampling, limits);
  validateStop(params.stop);
  integer('topCandidates', params.topCandidates, 0, MAX_TOP_CANDIDATES);
}

/** @throws EngineError BAD_REQUEST */
export function validateRenderChatParams(params: RenderChatParams, limits: RequestLimits): void {
  validatePrompt({ kind: 'chat', ...params }, limits);
}

/** @throws EngineError BAD_REQUEST for the first id outside the vocabulary */
export function validateIds(field: string, ids: readonly number[], limits: RequestLimits): void {
  ids.forEach((id, i) => integer(`${field}[${i}]`, id, 0, limits.vocabularySize - 1));
}

function validatePrompt(prompt: PromptInput, limits: RequestLimits): void {
  switch (prompt.kind) {
    case 'text':
      return text('prompt.text', prompt.text);
    case 'ids':
      if (!Array.isArray(prompt.ids) || prompt.ids.length === 0) refuse('prompt.ids', '[]', 'at least one token id');
      return validateIds('prompt.ids', prompt.ids, limits);
    case 'chat':
      count('prompt.messages', prompt.messages, 1, MAX_MESSAGES);
      prompt.messages.forEach(({ role, text: content }, i) => {
        if (role !== 'system' && role !== 'user' && role !== 'assistant') {
          refuse(`prompt.messages[${i}].role`, role, '"system", "user" or "assistant"');
        }
        text(`prompt.messages[${i}].text`, content);
      });
      return;
    default:
      refuse('prompt.kind', (prompt as { kind: unknown }).kind, '"text", "ids" or "chat"');
  }
}

/** @throws EngineError BAD_REQUEST */
export function validateSampling(sampling: SamplingParams, limits: RequestLimits): void {
  count('sampling.samplers', sampling.samplers, 0, MAX_STAGES);
  sampling.samplers.forEach((stage, i) => {
    if (!DEFAULT_SAMPLER_ORDER.includes(stage)) {
      refuse(`sampling.samplers[${i}]`, stage, `one of ${DEFAULT_SAMPLER_ORDER.join(', ')}`);
    }
  });
  number('sampling.temperature', sampling.temperature, -100, 100);
  integer('sampling.topK', sampling.topK, -MAX_INT32, MAX_INT32);
  number('sampling.topP', sampling.topP, 0, 1);
  number('sampling.minP', sampling.minP, 0, 1);
  number('sampling.typicalP', sampling.typicalP, 0, 1);
  number('sampling.topNSigma', sampling.topNSigma, -100, 100);
  number('sampling.xtcProbability', sampling.xtcProbability, 0, 1);
  number('sampling.xtcThreshold', sampling.xtcThreshold, 0, 1);
  integer('sampling.minKeep', sampling.minKeep, 0, MAX_INT32);
  number('sampling.repeatPenalty', sampling.repeatPenalty, 0.01, 100);
  number('sampling.frequencyPenalty', sampling.frequencyPenalty, -100, 100);
  number('sampling.presencePenalty', sampling.presencePenalty, -100, 100);
  integer('sampling.penaltyLastN', sampling.penaltyLastN, -1, MAX_INT32);
  number('sampling.dryMultiplier', sampling.dryMultiplier, 0, 100);
  number('sampling.dryBase', sampling.dryBase, 0, 100);
  integer('sampling.dryAllowedLength', sampling.dryAllowedLength, 0, MAX_INT32);
  integer('sampling.dryPenaltyLastN', sampling.dryPenaltyLastN, -1, MAX_INT32);
  texts('sampling.drySequenceBreakers', sampling.drySequenceBreakers, MAX_BREAKERS, MAX_BREAKER_LENGTH);
  number('sampling.dynatempRange', sampling.dynatempRange, 0, 100);
  number('sampling.dynatempExponent', sampling.dynatempExponent, 0, 100);
  if (![0, 1, 2].includes(sampling.mirostat)) refuse('sampling.mirostat', sampling.mirostat, '0 (off), 1 or 2');
  number('sampling.mirostatTau', sampling.mirostatTau, 0, 100);
  number('sampling.mirostatEta', sampling.mirostatEta, 0, 1);
  number('sampling.adaptiveTarget', sampling.adaptiveTarget, -1, 1);
  number('sampling.adaptiveDecay', sampling.adaptiveDecay, 0, 0.99);
  count('sampling.logitBias', sampling.logitBias, 0, limits.vocabularySize);
  sampling.logitBias.forEach(([id, bias], i) => {
    integer(`sampling.logitBias[${i}][0]`, id, 0, limits.vocabularySize - 1);
    number(`sampling.logitBias[${i}][1]`, bias, -MAX_BIAS, MAX_BIAS);
  });
  count('sampling.textBias', sampling.textBias, 0, MAX_BIASED_TEXTS);
  texts(
    'sampling.textBias',
    sampling.textBias.map(([biased]) => biased),
    MAX_BIASED_TEXTS,
    MAX_BANNED_LENGTH,
  );
  sampling.textBias.forEach(([, bias], i) => number(`sampling.textBias[${i}][1]`, bias, -MAX_BIAS, MAX_BIAS));
  texts('sampling.bannedTexts', sampling.bannedTexts, MAX_BANNED_TEXTS, MAX_BANNED_LENGTH);
  if (sampling.grammar !== null) validateGrammar(sampling.grammar);
  if (sampling.seed !== null) integer('sampling.seed', sampling.seed, 0, 2 ** 32 - 1);
}

/** What is wrong inside a grammar is found when it is compiled. */
function validateGrammar({ kind, source }: GrammarSource): void {
  if (kind !== 'gbnf' && kind !== 'json_schema') refuse('sampling.grammar.kind', kind, 'gbnf or json_schema');
  text('sampling.grammar.source', source);
  if (source.length > MAX_GRAMMAR_LENGTH) {
    refuse('sampling.grammar.source', `${source.length} characters long`, `at most ${MAX_GRAMMAR_LENGTH}`);
  }
}

function validateStop(stop: StopParams): void {
  integer('stop.maxTokens', stop.maxTokens, 0, MAX_INT32);
  texts('stop.stopStrings', stop.stopStrings, MAX_STOP_STRINGS, MAX_STOP_STRING_LENGTH);
  if (stop.repetitionWindow !== null) integer('stop.repetitionWindow', stop.repetitionWindow, 0, MAX_INT32);
  if (stop.timeLimitMs !== null) number('stop.timeLimitMs', stop.timeLimitMs, 0, MAX_TIME_LIMIT_MS);
  if (typeof stop.ignoreEos !== 'boolean') refuse('stop.ignoreEos', stop.ignoreEos, 'true or false');
}

function number(field: string, value: unknown, min: number, max: number): void {
  // Written so that NaN is refused too.
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    refuse(field, value, `a number from ${min} to ${max}`, { min, max });
  }
}

function integer(field: string, value: unknown, min: number, max: number): void {
  if (!Number.isInteger(value) || !((value as number) >= min && (value as number) <= max)) {
    refuse(field, value, `a whole number from ${min} to ${max}`, { min, max });
  }
}

function text(field: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') refuse(field, value, 'a text');
}

/** A list of texts that are looked for in the reply. */
function texts(list: string, values: unknown[], maxTexts: number, maxLength: number): void {
  count(list, values, 0, maxTexts);
  values.forEach((value, i) => {
    const field = `${list}[${i}]`;
    text(field, value);
    if (value.length === 0 || value.length > maxLength) {
      refuse(field, `${value.length} characters long`, `1 to ${maxLength} characters long`);
    }
    // Half of a surrogate pair would mean the inside of a character.
    if (/\p{Surrogate}/u.test(value)) refuse(field, 'not valid Unicode', 'whole characters');
  });
}

function count(field: string, values: unknown, min: number, max: number): void {
  if (!Array.isArray(values)) refuse(field, values, 'a list');
  if (values.length < min || values.length > max) {
    refuse(field, `${values.length} entries long`, `a list of ${min} to ${max} entries`, { min, max });
  }
}

function refuse(field: string, value: unknown, allowed: string, range: { min?: number; max?: number } = {}): never {
  const shown = String(value).slice(0, 60);
  throw new EngineError('BAD_REQUEST', `${field} is ${shown}, but must be ${allowed}.`, {
    field,
    value: shown,
    ...range,
  });
}
