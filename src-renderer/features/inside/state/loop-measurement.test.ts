import { expect, it } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { GenerateParams, SamplingParams, StopParams } from '../../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import { LoopMeasurement } from './loop-measurement.svelte.ts';

const settings = {
  sampling: { temperature: 1, grammar: { kind: 'gbnf', source: 'root ::= "a"' } } as unknown as SamplingParams,
  stop: { maxTokens: 100, stopStrings: ['a'], ignoreEos: false } as unknown as StopParams,
};

const runOf = (ids: readonly number[]) => ({ ids, hold: <T>(use: () => Promise<T>) => use() });

function engineWith(rateOf: (params: GenerateParams) => number | null) {
  const asked: GenerateParams[] = [];
  const engine = {
    async *stream(_method: string, params: GenerateParams) {
      asked.push(params);
      yield await Promise.resolve({ type: 'end', timings: { decodeTokensPerSecond: rateOf(params) } });
    },
  } as unknown as EngineApi;
  return { asked, measurement: new LoopMeasurement({ ready: () => Promise.resolve(engine) }) };
}

it('measures the second token with and without the cache, which nothing may end early', async () => {
  const { asked, measurement } = engineWith(({ useKvCache }) => (useKvCache ? 100 : 10));
  await measurement.run(runOf([1, 2]), settings);
  expect(measurement.times).toEqual({ withCache: 10, withoutCache: 100 });
  expect(measurement.running).toBe(false);
  expect(asked.map(({ useKvCache }) => useKvCache)).toEqual([true, false]);
  expect(asked[0]).toMatchObject({
    prompt: { kind: 'ids', ids: [1, 2] },
    sampling: { grammar: null },
    stop: { maxTokens: 2, stopStrings: [], ignoreEos: true },
    speculate: false,
  });
});

it('says why there is no time', async () => {
  const ended = engineWith(() => null);
  await ended.measurement.run(runOf([1]), settings);
  expect(ended.measurement.problem).toContain('ended after one token');
  const failed = new LoopMeasurement({ ready: () => Promise.reject(new EngineError('NO_MODEL', 'No model.')) });
  await failed.run(runOf([1]), settings);
  expect(failed.problem).toBe('No model.');
});

it('reports nothing after it was stopped', async () => {
  const { measurement } = engineWith(() => 1);
  const running = measurement.run(runOf([1]), settings);
  measurement.stop();
  await running;
  expect([measurement.times, measurement.problem, measurement.running]).toEqual([null, null, false]);
});
