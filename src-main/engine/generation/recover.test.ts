/** A reply whose executor is lost. */
import { describe, expect, it } from 'vitest';
import { EngineError } from '../api/errors.ts';
import { defaultGenerateParams } from '../api/defaults.ts';
import type { GenerateEvent, GenerateParams, ModelInfo } from '../api/types.ts';
import { collect, ScriptedEngine, testPlatform, type Script } from '../test-support/scripted-model.ts';

const SIZE = 30;
const SCRIPT: Script = {
  vocabulary: Array.from({ length: SIZE }, (_, id) => ['<BOS>', '<EOS>', '<UNK>'][id] ?? ` w${id}`),
  next: () => 0,
  logits: (ids) => {
    const last = 31 * (ids.at(-1) ?? 0) + ids.length;
    return Float32Array.from({ length: SIZE }, (_, id) => (id === 1 ? -20 : 3 * Math.sin(last * (id + 7))));
  },
};
const TOKENS = 20;
const MODEL = { name: 'moved' } as ModelInfo;

function request(change: (params: GenerateParams) => void = () => undefined): GenerateParams {
  const params = defaultGenerateParams({ kind: 'ids', ids: [0, 5, 9] });
  params.stop.maxTokens = TOKENS;
  params.stop.repetitionWindow = 0;
  change(params);
  return params;
}

/** An executor that is lost at a run, counted from 1. */
function losing(at: number, code: 'BACKEND_LOST' | 'INTERNAL' = 'BACKEND_LOST'): ScriptedEngine {
  let runs = 0;
  return new ScriptedEngine({
    ...SCRIPT,
    onRun() {
      if (++runs >= at) throw new EngineError(code, 'The GPU was lost.');
    },
  });
}

/** 10 ms per run until one is lost, counted from 1; 5 s for the load of another executor; 20 ms per run there. */
function timedMove(at: number) {
  const platform = testPlatform();
  const { clock } = platform;
  let runs = 0;
  const onRun = () => {
    clock.time += 10;
    if (++runs === at) throw new EngineError('BACKEND_LOST', 'The GPU was lost.');
  };
  const gpu = new ScriptedEngine({ ...SCRIPT, onRun }, platform);
  const cpu = new ScriptedEngine({ ...SCRIPT, onRun: () => void (clock.time += 20) }, platform);
  const recover = () => {
    clock.time += 5000;
    return Promise.resolve({ context: cpu.context, model: MODEL, notice: 'Moved.' });
  };
  return { gpu, reply: () => collect(gpu.events(request(), undefined, recover)) };
}

describe('a reply whose executor is lost', () => {
  it.each([1, 2, 9])('at run %i continues on another with the same tokens', async (at) => {
    for (const change of [
      () => undefined,
      (params: GenerateParams) => void (params.sampling.xtcProbability = 0.5),
      (params: GenerateParams) => void (params.sampling.mirostat = 2),
      (params: GenerateParams) => void (params.sampling.bannedTexts = ['w7', 'w12']),
    ]) {
      const expected = await new ScriptedEngine(SCRIPT).run(request(change));
      const other = new ScriptedEngine(SCRIPT);
      let recoveries = 0;
      const recover = () => {
        recoveries++;
        return Promise.resolve({ context: other.context, model: MODEL, notice: 'Moved.' });
      };
      const events: GenerateEvent[] = [];
      for await (const event of losing(at).events(request(change), undefined, recover)) events.push(event);
      const found = await collect(
        (async function* () {
          yield* events;
        })(),
      );
      expect(found.tokens).toEqual(expected.tokens);
      expect(found.end.stop).toEqual(expected.end.stop);
      expect(recoveries).toBe(1);
      expect(events.filter(({ type }) => type === 'moved')).toEqual([
        { type: 'moved', model: MODEL, notice: 'Moved.' },
      ]);
    }
  });

  it.each([1, 2])('at read %i of the other logits continues with the same tokens', async (at) => {
    // Uses a random number, and then more than the best.
    const change = (params: GenerateParams) => {
      params.sampling.samplers = ['xtc', 'top_k'];
      params.sampling.xtcProbability = 0.5;
      params.topCandidates = 0;
    };
    const expected = await new ScriptedEngine(SCRIPT).run(request(change));
    let reads = 0;
    const onRead = () => {
      if (++reads === at) throw new EngineError('BACKEND_LOST', 'The GPU was lost.');
    };
    const other = new ScriptedEngine(SCRIPT);
    let recoveries = 0;
    const recover = () => {
      recoveries++;
      return Promise.resolve({ context: other.context, model: MODEL, notice: 'Moved.' });
    };
    const gpu = new ScriptedEngine({ ...SCRIPT, best: 6, onRead });
    const found = await collect(gpu.events(request(change), undefined, recover));
    expect(recoveries).toBe(1);
    expect(found.tokens).toEqual(expected.tokens);
  });

  it('counts neither the load nor the second prefill as time of tokens', async () => {
    const { end } = await timedMove(9).reply();
    // Between the first and the eighth on the GPU, and between the ninth and the last on the CPU.
    const [onGpu, onCpu] = [7, 11];
    expect(end.timings.decodeTokensPerSecond).toBeCloseTo((onGpu + onCpu) / (onGpu * 0.01 + onCpu * 0.02), 6);
    expect(end.timings).toMatchObject({ prefillMs: 10, prefillTokensPerSecond: 300 });
  });

  it('counts the whole prompt if it was lost during prefill', async () => {
    const { gpu, reply } = timedMove(TOKENS + 1);
    await gpu.run(request());
    const { start, end } = await reply();
    expect(start.reusedTokens).toBe(2);
    expect(end.timings).toMatchObject({ prefillMs: 20, prefillTokensPerSecond: 150 });
  });

  it('ends if there is no other, or that fails', async () => {
    const alone = await collect(losing(3).events(request()));
    expect(alone.end.stop).toMatchObject({ reason: 'error', tokens: 2, error: { code: 'BACKEND_LOST' } });
    const failing = () => Promise.reject(new EngineError('OUT_OF_MEMORY', 'Too large.'));
    const failed = await collect(losing(3).events(request(), undefined, failing));
    expect(failed.end.stop).toMatchObject({ reason: 'error', tokens: 2, error: { code: 'OUT_OF_MEMORY' } });
  });

  it('ends after other errors', async () => {
    const recover = () => Promise.reject(new Error('not asked'));
    const { end } = await collect(losing(3, 'INTERNAL').events(request(), undefined, recover));
    expect(end.stop).toMatchObject({ reason: 'error', error: { code: 'INTERNAL' } });
  });
});
