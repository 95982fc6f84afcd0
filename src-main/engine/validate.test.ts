import { describe, expect, it } from 'vitest';
import { defaultGenerateParams } from './api/defaults.ts';
import type { GenerateParams } from './api/types.ts';
import { validateGenerateParams, validateInspectParams, validateScoreParams } from './validate.ts';

const limits = { vocabularySize: 8000 };

function params(change: (p: GenerateParams) => void): GenerateParams {
  const p = defaultGenerateParams({ kind: 'text', text: 'Hello' });
  change(p);
  return p;
}

describe('validateGenerateParams', () => {
  it('accepts the defaults and an empty text', () => {
    expect(() =>
      validateGenerateParams(
        params(() => {}),
        limits,
      ),
    ).not.toThrow();
    expect(() =>
      validateGenerateParams(
        params((p) => (p.prompt = { kind: 'text', text: '' })),
        limits,
      ),
    ).not.toThrow();
  });

  it.each<[string, (p: GenerateParams) => unknown]>([
    ['sampling.temperature', (p) => (p.sampling.temperature = Number.NaN)],
    ['sampling.temperature', (p) => (p.sampling.temperature = Number.POSITIVE_INFINITY)],
    ['sampling.temperature', (p) => (p.sampling.temperature = 1e9)],
    ['sampling.topK', (p) => (p.sampling.topK = 1.5)],
    ['sampling.topK', (p) => (p.sampling.topK = 2 ** 40)],
    ['sampling.topP', (p) => (p.sampling.topP = -0.1)],
    ['sampling.topP', (p) => (p.sampling.topP = Number.NaN)],
    ['sampling.minP', (p) => (p.sampling.minP = 2)],
    ['sampling.repeatPenalty', (p) => (p.sampling.repeatPenalty = 0)],
    ['sampling.frequencyPenalty', (p) => (p.sampling.frequencyPenalty = Number.NEGATIVE_INFINITY)],
    ['sampling.presencePenalty', (p) => (p.sampling.presencePenalty = 1e300)],
    ['sampling.penaltyLastN', (p) => (p.sampling.penaltyLastN = -2)],
    ['sampling.seed', (p) => (p.sampling.seed = -1)],
    ['sampling.seed', (p) => (p.sampling.seed = 2 ** 32)],
    ['sampling.seed', (p) => (p.sampling.seed = 0.5)],
    ['sampling.typicalP', (p) => (p.sampling.typicalP = 1.1)],
    ['sampling.topNSigma', (p) => (p.sampling.topNSigma = Number.NaN)],
    ['sampling.xtcProbability', (p) => (p.sampling.xtcProbability = 2)],
    ['sampling.xtcThreshold', (p) => (p.sampling.xtcThreshold = -1)],
    ['sampling.minKeep', (p) => (p.sampling.minKeep = 0.5)],
    ['sampling.dryMultiplier', (p) => (p.sampling.dryMultiplier = -1)],
    ['sampling.dryBase', (p) => (p.sampling.dryBase = 1e9)],
    ['sampling.dryAllowedLength', (p) => (p.sampling.dryAllowedLength = -1)],
    ['sampling.dryPenaltyLastN', (p) => (p.sampling.dryPenaltyLastN = -2)],
    ['sampling.drySequenceBreakers[1]', (p) => (p.sampling.drySequenceBreakers = ['a', ''])],
    ['sampling.drySequenceBreakers[0]', (p) => (p.sampling.drySequenceBreakers = ['x'.repeat(41)])],
    ['sampling.drySequenceBreakers', (p) => (p.sampling.drySequenceBreakers = Array.from({ length: 65 }, () => 'a'))],
    ['sampling.dynatempRange', (p) => (p.sampling.dynatempRange = -0.1)],
    ['sampling.dynatempExponent', (p) => (p.sampling.dynatempExponent = -1)],
    ['sampling.mirostat', (p) => (p.sampling.mirostat = 3 as 2)],
    ['sampling.mirostatTau', (p) => (p.sampling.mirostatTau = Number.POSITIVE_INFINITY)],
    ['sampling.mirostatEta', (p) => (p.sampling.mirostatEta = 1.5)],
    ['sampling.samplers[0]', (p) => (p.sampling.samplers = ['mirostat' as 'top_k'])],
    ['sampling.samplers', (p) => (p.sampling.samplers = Array.from({ length: 100 }, () => 'top_k' as const))],
    ['sampling.logitBias[0][0]', (p) => (p.sampling.logitBias = [[8000, 1]])],
    ['sampling.logitBias[1][1]', (p) => (p.sampling.logitBias = [[1, 1], [2, Number.NaN]])], // prettier-ignore
    ['stop.maxTokens', (p) => (p.stop.maxTokens = -1)],
    ['stop.maxTokens', (p) => (p.stop.maxTokens = Number.NaN)],
    ['stop.stopStrings[0]', (p) => (p.stop.stopStrings = [''])],
    ['stop.stopStrings[1]', (p) => (p.stop.stopStrings = ['a', '\ud800'])],
    ['stop.stopStrings', (p) => (p.stop.stopStrings = Array.from({ length: 1000 }, (_, i) => `${i}`))],
    ['stop.repetitionWindow', (p) => (p.stop.repetitionWindow = -1)],
    ['stop.timeLimitMs', (p) => (p.stop.timeLimitMs = Number.NaN)],
    ['stop.timeLimitMs', (p) => (p.stop.timeLimitMs = -5)],
    ['topCandidates', (p) => (p.topCandidates = 101)],
    ['prompt.ids', (p) => (p.prompt = { kind: 'ids', ids: [] })],
    ['prompt.ids[1]', (p) => (p.prompt = { kind: 'ids', ids: [0, 8000] })],
    ['prompt.ids[0]', (p) => (p.prompt = { kind: 'ids', ids: [-1] })],
    ['prompt.messages', (p) => (p.prompt = { kind: 'chat', messages: [] })],
    ['prompt.messages[0].role', (p) => (p.prompt = { kind: 'chat', messages: [{ role: 'tool' as 'user', text: '' }] })],
  ])('refuses a wrong %s and names it', (field, change) => {
    const check = () =>
      validateGenerateParams(
        params((p) => void change(p)),
        limits,
      );
    expect(check).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST', details: expect.objectContaining({ field }) }),
    );
    expect(check).toThrow(`${field} is `);
  });

  it('names what is allowed', () => {
    const check = () =>
      validateGenerateParams(
        params((p) => (p.sampling.temperature = Number.NaN)),
        limits,
      );
    expect(check).toThrow('sampling.temperature is NaN, but must be a number from -100 to 100.');
  });
});

it('validates the counts of score and inspect', () => {
  const { prompt, sampling, stop } = defaultGenerateParams({ kind: 'text', text: 'Hello' });
  expect(() => validateScoreParams({ prompt, top: 101 }, limits)).toThrow('top is 101');
  expect(() => validateInspectParams({ prompt, sampling, stop, topCandidates: -1 }, limits)).toThrow(
    'topCandidates is -1',
  );
});
