import { describe, expect, it } from 'vitest';
import { defaultGenerateParams } from '../../engine/api/defaults.ts';
import { EngineError } from '../../engine/api/errors.ts';
import { isModelId, MAX_TEXT } from '../fields.ts';
import { checkCall, checkStream, clientMessage, engineMessage, requestIdOf } from './schemas.ts';
import * as v from 'valibot';

function refusal(run: () => unknown): EngineError {
  try {
    run();
  } catch (error) {
    if (error instanceof EngineError) return error;
  }
  throw new Error('Expected an EngineError.');
}

const params = () => defaultGenerateParams({ kind: 'text', text: 'Hello' });

describe('checkStream', () => {
  it('passes the defaults on unchanged', () => {
    expect(checkStream('generate', params())).toEqual({ method: 'generate', params: params() });
  });

  it('accepts the stop of a continued reply, and nothing else for it', () => {
    for (const continues of [{ reason: null }, { reason: 'stop_string', stopString: '\n' }] as const) {
      expect(checkStream('generate', { ...params(), continues }).params).toMatchObject({ continues });
    }
    for (const continues of [{}, { reason: 'tired' }, { reason: null, stopString: 7 }, null]) {
      const error = refusal(() => checkStream('generate', { ...params(), continues }));
      expect(error.details.field).toMatch(/^continues/);
    }
  });

  it('passes on a chosen token, also of a preview', () => {
    const { useKvCache: _, ...asked } = { ...params(), firstToken: 7 };
    expect(checkCall('preview', asked).params).toEqual(asked);
    expect(refusal(() => checkCall('preview', { ...asked, firstToken: 1.5 })).details.field).toBe('firstToken');
  });

  it.each([
    'temperature',
    'topK',
    'topP',
    'minP',
    'typicalP',
    'topNSigma',
    'xtcProbability',
    'xtcThreshold',
    'minKeep',
    'dryMultiplier',
    'dryBase',
    'dryAllowedLength',
    'dryPenaltyLastN',
    'dynatempRange',
    'dynatempExponent',
    'mirostat',
    'mirostatTau',
    'mirostatEta',
    'adaptiveTarget',
    'adaptiveDecay',
    'repeatPenalty',
    'frequencyPenalty',
    'presencePenalty',
    'penaltyLastN',
    'seed',
  ])('refuses NaN and infinity in %s by name', (field) => {
    for (const value of [NaN, Infinity, -Infinity, '1', undefined]) {
      const bad = { ...params(), sampling: { ...params().sampling, [field]: value } };
      const error = refusal(() => checkStream('generate', bad));
      expect(error.code).toBe('BAD_REQUEST');
      expect(error.details.field).toBe(`sampling.${field}`);
      expect(error.message).toContain(`sampling.${field}`);
    }
  });

  it.each<[string, unknown]>([
    ['prompt.text', { ...params(), prompt: { kind: 'text', text: 'a'.repeat(MAX_TEXT + 1) } }],
    ['prompt.kind', { ...params(), prompt: { kind: 'other' } }],
    ['prompt.ids', { ...params(), prompt: { kind: 'ids', ids: [1, -1] } }],
    ['prompt.ids', { ...params(), prompt: { kind: 'ids', ids: new Array(1024 * 1024 + 1).fill(1) } }],
    ['prompt.messages.0.role', { ...params(), prompt: { kind: 'chat', messages: [{ role: 'robot', text: '' }] } }],
    ['sampling.samplers.0', { ...params(), sampling: { ...params().sampling, samplers: ['magic'] } }],
    ['sampling.drySequenceBreakers.0', { ...params(), sampling: { ...params().sampling, drySequenceBreakers: [''] } }],
    ['sampling.logitBias.0.1', { ...params(), sampling: { ...params().sampling, logitBias: [[1, NaN]] } }],
    ['stop.maxTokens', { ...params(), stop: { ...params().stop, maxTokens: 1.5 } }],
    ['stop.stopStrings.0', { ...params(), stop: { ...params().stop, stopStrings: [''] } }],
    ['stop.timeLimitMs', { ...params(), stop: { ...params().stop, timeLimitMs: NaN } }],
    ['topCandidates', { ...params(), topCandidates: 101 }],
    ['', null],
    ['', 'text'],
  ])('names %s', (field, bad) => {
    expect(refusal(() => checkStream('generate', bad)).details.field).toBe(field);
  });

  it.each(['../secret', '/etc', 'a/b', 'a\\b', '', '.', '..', '.hidden', 'x'.repeat(200), 5])(
    'refuses %s as the id of a model',
    (id) => {
      expect(refusal(() => checkStream('load', { modelId: id })).details.field).toBe('modelId');
      expect(isModelId(id)).toBe(false);
    },
  );

  it('refuses an unknown executor', () => {
    expect(refusal(() => checkStream('load', { modelId: 'tiny', executor: 'quantum' })).details.field).toBe('executor');
  });

  it('drops keys that are not part of the contract', () => {
    expect(checkStream('load', { modelId: 'tiny', extra: 1 }).params).toEqual({ modelId: 'tiny' });
  });
});

describe('checkCall', () => {
  it.each(['nothing', 'generate', '__proto__', 'constructor', 'toString'])(
    'refuses the unknown method %s',
    (method) => {
      expect(refusal(() => checkCall(method, {})).message).toContain(`"${method}"`);
    },
  );

  it('accepts status', () => {
    expect(checkCall('status', {})).toEqual({ method: 'status', params: {} });
  });
});

describe('envelopes', () => {
  it.each([
    null,
    [],
    7,
    {},
    { type: 'call' },
    { type: 'call', id: 0, method: 'status', params: {} },
    { type: 'call', id: 1.5, method: 'status', params: {} },
    { type: 'call', id: NaN, method: 'status', params: {} },
    { type: 'open', id: 1, method: 'generate', params: {}, credit: 0 },
    { type: 'credit', id: 1, credit: Infinity },
    { type: 'cancel', id: 2 ** 31 },
  ])('refuses %j from a client', (message) => {
    expect(v.is(clientMessage, message)).toBe(false);
  });

  it.each([null, { type: 'chunk', id: 1 }, { type: 'error', id: 1, error: { code: 'NEW', message: '', details: {} } }])(
    'refuses %j from an engine',
    (message) => {
      expect(v.is(engineMessage, message)).toBe(false);
    },
  );

  it('finds the id in a broken message', () => {
    expect(requestIdOf({ id: 4, type: 'nonsense' })).toBe(4);
    expect(requestIdOf({ id: 'x' })).toBeNull();
    expect(requestIdOf(null)).toBeNull();
  });
});
