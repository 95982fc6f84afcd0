/** A reply whose executor is lost. */
import { describe, expect, it } from 'vitest';
import { EngineError } from '../api/errors.ts';
import { defaultGenerateParams } from '../api/defaults.ts';
import type { GenerateEvent, GenerateParams, ModelInfo } from '../api/types.ts';
import { collect, ScriptedEngine, type Script } from '../test-support/scripted-model.ts';

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
