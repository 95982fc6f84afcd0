/**
 * Checks the values of requests. Their shapes were checked where they entered the process; this checks ranges and what
 * depends on the loaded model.
 */
import {
  checkBoolean,
  checkCount,
  checkInteger,
  checkName,
  checkNumber,
  checkSetting,
  checkText,
  refuse,
} from './check-value.ts';
import { STOP_SETTINGS, TOP_CANDIDATES } from './settings/generation.ts';
import { SAMPLING_SETTINGS } from './settings/sampling.ts';
import type { SettingTable, ValuesOf } from './settings/setting.ts';
import type {
  GenerateParams,
  InsideParams,
  InspectParams,
  InspectRunParams,
  Intervention,
  PreviewParams,
  ProfileParams,
  PromptInput,
  RenderChatParams,
  ScoreParams,
} from './api/types.ts';

/** Properties of the loaded model for the checks. */
export interface RequestLimits {
  vocabularySize: number;
}

const MAX_INT32 = 2 ** 31 - 1;
const MAX_MESSAGES = 10_000;

/** @throws EngineError BAD_REQUEST */
export function validateGenerateParams(params: GenerateParams, limits: RequestLimits): void {
  validatePreviewParams(params, limits);
  checkBoolean('useKvCache', params.useKvCache);
  checkBoolean('speculate', params.speculate ?? true);
}

/** @throws EngineError BAD_REQUEST */
export function validateScoreParams(params: ScoreParams, limits: RequestLimits): void {
  validatePrompt(params.prompt, limits);
  checkNumber('top', params.top, TOP_CANDIDATES);
  if (params.last !== undefined) checkInteger('last', params.last, 1, MAX_INT32);
}

/** @throws EngineError BAD_REQUEST */
export function validateProfileParams({ prompt, context, generate }: ProfileParams): void {
  for (const [field, value] of Object.entries({ prompt, context, generate })) checkInteger(field, value, 1, MAX_INT32);
}

/** @throws EngineError BAD_REQUEST */
export function validateInspectParams(params: InspectParams, limits: RequestLimits): void {
  validatePrompt(params.prompt, limits);
  validateSettings('sampling', SAMPLING_SETTINGS, params.sampling, limits);
  validateSettings('stop', STOP_SETTINGS, params.stop, limits);
  checkNumber('topCandidates', params.topCandidates, TOP_CANDIDATES);
}

/** @throws EngineError BAD_REQUEST */
export function validateInspectRunParams(params: InspectRunParams, limits: RequestLimits): void {
  validateInspectParams(params, limits);
  validateInterventions(params.interventions ?? []);
  checkBoolean('attribution', params.attribution ?? false);
  checkBoolean('lens', params.lens ?? false);
}

/** @throws EngineError BAD_REQUEST */
export function validateInsideParams({ ids, interventions, query }: InsideParams, limits: RequestLimits): void {
  if (ids.length === 0) refuse('ids', '[]', 'at least one token id');
  validateIds('ids', ids, limits);
  validateInterventions(interventions);
  checkNumbers('query', query);
}

/** Numbers from 0, and ranges of them. */
function checkNumbers(field: string, values: object): void {
  for (const [key, value] of Object.entries(values) as [string, unknown][]) {
    if (key === 'kind' || value === undefined) continue;
    if (typeof value === 'object' && value !== null) checkNumbers(`${field}.${key}`, value);
    else checkInteger(`${field}.${key}`, value, 0, MAX_INT32);
  }
}

/**
 * Upper limits depend on the model's program, which checks them.
 * @throws EngineError BAD_REQUEST
 */
function validateInterventions(interventions: readonly Intervention[]): void {
  interventions.forEach((intervention, i) => {
    for (const [key, value] of Object.entries(intervention)) {
      if (key !== 'kind') checkInteger(`interventions[${i}].${key}`, value, 0, MAX_INT32);
    }
  });
}

/** @throws EngineError BAD_REQUEST */
export function validatePreviewParams(params: PreviewParams, limits: RequestLimits): void {
  validateInspectParams(params, limits);
  const { reply, continues, sampling, token, firstToken, storePrefixFor } = params;
  if (storePrefixFor !== undefined) checkName('storePrefixFor', storePrefixFor);
  if (continues?.stopString !== undefined) checkText('continues.stopString', continues.stopString);
  if (token !== undefined) checkInteger('token', token, 0, limits.vocabularySize - 1);
  if (firstToken !== undefined) checkInteger('firstToken', firstToken, 0, limits.vocabularySize - 1);
  if (reply === undefined) return;
  validateIds('reply', reply, limits);
  if (sampling.seed === null) refuse('sampling.seed', null, 'the seed of the reply');
}

/** @throws EngineError BAD_REQUEST */
export function validateRenderChatParams(params: RenderChatParams, limits: RequestLimits): void {
  const { maxTokens = 0, replyTokens = 0, ...prompt } = params;
  checkInteger('maxTokens', maxTokens, 0, STOP_SETTINGS.maxTokens.max);
  checkInteger('replyTokens', replyTokens, 0, STOP_SETTINGS.maxTokens.max);
  validatePrompt({ kind: 'chat', ...prompt }, limits);
}

/** @throws EngineError BAD_REQUEST for the first id outside the vocabulary */
export function validateIds(field: string, ids: readonly number[], limits: RequestLimits): void {
  ids.forEach((id, i) => checkInteger(`${field}[${i}]`, id, 0, limits.vocabularySize - 1));
}

function validateSettings<T extends SettingTable>(
  group: string,
  table: T,
  values: ValuesOf<T>,
  limits: RequestLimits,
): void {
  for (const [key, row] of Object.entries(table)) {
    checkSetting(`${group}.${key}`, row, values[key], limits.vocabularySize);
  }
}

function validatePrompt(prompt: PromptInput, limits: RequestLimits): void {
  switch (prompt.kind) {
    case 'text':
      return checkText('prompt.text', prompt.text);
    case 'ids':
      if (!Array.isArray(prompt.ids) || prompt.ids.length === 0) refuse('prompt.ids', '[]', 'at least one token id');
      return validateIds('prompt.ids', prompt.ids, limits);
    case 'chat':
      checkCount('prompt.messages', prompt.messages, 1, MAX_MESSAGES);
      prompt.messages.forEach(({ role, text: content }, i) => {
        if (role !== 'system' && role !== 'user' && role !== 'assistant') {
          refuse(`prompt.messages[${i}].role`, role, '"system", "user" or "assistant"');
        }
        checkText(`prompt.messages[${i}].text`, content);
      });
      return validateIds('prompt.replyIds', prompt.replyIds ?? [], limits);
    default:
      refuse('prompt.kind', (prompt as { kind: unknown }).kind, '"text", "ids" or "chat"');
  }
}
