import { describe, expect, it, vi } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { SessionTotals } from '../../chat/rates/session-totals.svelte.ts';
import { RunRecorder } from '../../chat/receipts/run-recorder.ts';
import { MODEL } from '../../chat/test-support/fakes.ts';
import { FakeLaneEngine, frame } from '../test-support/fake-lanes.ts';
import { LaneRunner, type LaneRunnerParts } from './lane-runner.svelte.ts';
import { newLaneSettings } from './lane-settings.ts';
import { Lane } from './lane.svelte.ts';

const PROMPT = { kind: 'text', text: 'Once' } as const;
const OTHER = { id: 'other', name: 'Other' };

function setUp(change: Partial<Pick<LaneRunnerParts, 'frame' | 'isHidden'>> = {}) {
  const engine = new FakeLaneEngine();
  const recorder = new RunRecorder({ engine, versions: () => Promise.resolve({ Tokenscope: '1.0.0' }) });
  const totals = new SessionTotals();
  const runner = new LaneRunner({
    ...{ engine, recorder, totals, load: engine.load, frame },
    isHidden: () => false,
    ...change,
  });
  const lane = (seed: number, model = { id: MODEL.id, name: MODEL.name }) => new Lane(newLaneSettings(model, { seed }));
  return { engine, api: engine.api, recorder, runner, totals, lane };
}
const idsOf = (lane: Lane) => lane.reply?.columns.ids;
const reasonOf = (lane: Lane) => lane.reply?.stop?.reason;

describe('LaneRunner', () => {
  it('runs lanes of one model as one batch, with one prefill', async () => {
    const { api, runner, lane } = setUp();
    const lanes = [lane(1), lane(2), lane(3)];
    api.scripts.set(1, [5, 6]).set(2, [5, 7, 8]);
    await runner.run(lanes, PROMPT);
    expect(api.requests.map((request) => request.lanes.length)).toEqual([3]);
    expect(lanes.map(idsOf)).toEqual([
      [5, 6],
      [5, 7, 8],
      [10, 11],
    ]);
    expect(lanes.map(reasonOf)).toEqual(['eos', 'eos', 'eos']);
    expect(runner.prefills).toMatchObject([{ lanes: 3, sharedTokens: 3 }]);
    expect(runner.running).toBe(false);
  });

  it('says once that the GPU was lost, and does not load the model on it again', async () => {
    const { engine, api, runner, lane } = setUp();
    engine.model = { ...MODEL, executor: 'webgpu' };
    engine.requested = 'webgpu';
    api.moves = () => (engine.model = { ...MODEL, executor: 'wasm' });
    // More than one batch.
    const lanes = Array.from({ length: 10 }, (_, seed) => lane(seed));
    await runner.run(lanes, PROMPT);
    expect(lanes.map(reasonOf)).toEqual(lanes.map(() => 'eos'));
    // The second batch starts on what the script says.
    const moved = lanes.slice(0, 8);
    expect(moved.map((one) => one.reply?.executor)).toEqual(moved.map(() => 'wasm'));
    expect(api.requests.map((request) => request.lanes.length)).toEqual([8, 2]);
    expect(engine.loads).toEqual([]);
    expect(runner.notice).toBe('The GPU was lost.');
    await runner.run([lane(1)], PROMPT);
    expect(runner.notice).toBeNull();
  });

  it('adds no more tokens in a frame than can be drawn, and none is lost', async () => {
    const counts: number[] = [];
    const counting = (callback: () => void) =>
      frame(() => {
        callback();
        counts.push(one.reply?.count ?? 0);
      });
    const { api, runner, lane } = setUp({ frame: counting });
    const one = lane(1);
    const ids = Array.from({ length: 2000 }, (_, i) => i);
    api.scripts.set(1, ids);
    await runner.run([one], PROMPT);
    expect(idsOf(one)).toEqual(ids);
    expect(reasonOf(one)).toBe('eos');
    expect(Math.max(...counts.map((count, i) => count - (counts[i - 1] ?? 0)))).toBeLessThanOrEqual(64);
  });

  it('draws only some of many lanes in a frame, in turn, and none is lost', async () => {
    const counts: number[][] = [];
    const counting = (callback: () => void) =>
      frame(() => {
        callback();
        counts.push(lanes.map((one) => one.reply?.count ?? 0));
      });
    const { api, runner, lane } = setUp({ frame: counting });
    const lanes = Array.from({ length: 8 }, (_, seed) => lane(seed));
    const ids = Array.from({ length: 5 }, (_, i) => i);
    for (let seed = 0; seed < 8; seed++) api.scripts.set(seed, ids);
    await runner.run(lanes, PROMPT);
    expect(lanes.map(idsOf)).toEqual(lanes.map(() => ids));
    expect(lanes.map(reasonOf)).toEqual(lanes.map(() => 'eos'));
    // At first, a quarter of them.
    const drawn = counts.map((of) => of.filter((count) => count > 0).length);
    expect(drawn.find((count) => count > 0)).toBe(2);
  });

  it('lets the page rest between frames, but not while the engine waits for it', async () => {
    const rested: (() => void)[] = [];
    const paced: NonNullable<LaneRunnerParts['frame']> = (callback, isUrgent = false) =>
      isUrgent ? frame(callback) : void rested.push(callback);
    const { api, runner, lane } = setUp({ frame: paced });
    const one = lane(1);
    const ids = Array.from({ length: 200 }, (_, i) => i);
    api.scripts.set(1, [...ids, 'pause', 5]);
    const done = runner.run([one], PROMPT);
    // Three full frames, the first with the start event. What is left waits for the page,
    await vi.waitFor(() => expect(one.reply?.count).toBe(3 * 64 - 1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(one.reply?.count).toBe(3 * 64 - 1);
    rested.pop()!();
    expect(one.reply?.count).toBe(200);
    // but not the end of a lane.
    api.resume();
    await done;
    expect(idsOf(one)).toEqual([...ids, 5]);
    expect(reasonOf(one)).toBe('eos');
  });

  it('keeps the candidates of all tokens', async () => {
    const { api, runner, lane } = setUp();
    const one = lane(1);
    // More than are kept of all stored replies together.
    const ids = Array.from({ length: 3000 }, (_, i) => i);
    api.scripts.set(1, ids);
    await runner.run([one], PROMPT);
    await vi.waitFor(() => expect(one.reply?.detailsOf(10)?.piece).toBe('t10'));
  });

  it('keeps no more candidates than fit in memory', async () => {
    const { api, runner, lane } = setUp();
    const one = lane(1);
    // The candidates of the latest tokens are in memory anyway.
    api.scripts.set(
      1,
      Array.from({ length: 12_000 }, (_, i) => i),
    );
    await runner.run([one], PROMPT);
    await vi.waitFor(() => expect(one.reply?.detailsOf(8191)?.piece).toBe('t8191'));
    one.reply?.detailsOf(8192);
    await vi.waitFor(() => expect(one.reply?.details.isMissing(8192)).toBe(true));
  });

  it('does not wait for the frames of a hidden page, which are rare', async () => {
    const frames: (() => void)[] = [];
    const { api, runner, lane } = setUp({ frame: (callback) => frames.push(callback), isHidden: () => true });
    const [one, other] = [lane(1), lane(2)];
    const ids = Array.from({ length: 2000 }, (_, i) => i);
    api.scripts.set(1, ids).set(2, [...ids, 'pause', 5]);
    const done = runner.run([one, other], PROMPT);
    await vi.waitFor(() => expect(frames).toHaveLength(1));
    await new Promise((resolve) => setTimeout(resolve));
    frames.pop()!();
    expect([idsOf(one), idsOf(other)]).toEqual([ids, ids]);
    // It ends without another one.
    api.resume();
    await done;
    expect(idsOf(other)).toEqual([...ids, 5]);
    expect([reasonOf(one), reasonOf(other)]).toEqual(['eos', 'eos']);
  });

  it('ends, even if an event could not be taken', async () => {
    const thrown: unknown[] = [];
    const guarded = (callback: () => void) =>
      frame(() => {
        try {
          callback();
        } catch (error) {
          thrown.push(error);
        }
      });
    const { recorder, runner, lane } = setUp({ frame: guarded });
    vi.spyOn(recorder, 'noteStart').mockImplementation(() => {
      throw new Error('broken');
    });
    const one = lane(1);
    await runner.run([one], PROMPT);
    expect(thrown).toEqual([new Error('broken')]);
    expect(one.reply?.stop).toMatchObject({ reason: 'error', error: { code: 'INTERNAL' } });
  });

  it('gives each sample the next seed, the first samples of all lanes first, eight at a time', async () => {
    const { api, runner, lane } = setUp();
    const lanes = [lane(1), lane(20)];
    for (const one of lanes) one.set({ samples: 5 });
    await runner.run(lanes, PROMPT);
    expect(api.requests.map((request) => request.lanes.map(({ sampling }) => sampling.seed))).toEqual([
      [1, 20, 2, 21, 3, 22, 4, 23],
      [5, 24],
    ]);
    expect(runner.prefills).toMatchObject([
      { lanes: 2, replies: 8 },
      { lanes: 2, replies: 2 },
    ]);
    expect(lanes.map(({ replies }) => replies.map(({ count }) => count))).toEqual([Array(5).fill(2), Array(5).fill(2)]);
  });

  it('gives samples that never began the seeds that they would have had', async () => {
    const { engine, runner, lane } = setUp();
    const one = lane(42, OTHER);
    one.set({ samples: 3 });
    engine.broken = 'other';
    await runner.run([one], PROMPT);
    expect(one.replies.map(({ seed }) => seed)).toEqual([42, 43, 44]);
  });

  it('runs lanes of another model after those of the loaded one, and loads that again', async () => {
    const { engine, api, runner, lane } = setUp();
    const lanes = [lane(1, OTHER), lane(2), lane(3, OTHER)];
    api.scripts.set(1, [5, 'pause', 6]).set(2, [7, 'pause', 8]);
    const done = runner.run(lanes, PROMPT);
    await vi.waitFor(() => expect(idsOf(lanes[1])).toEqual([7]));
    // The other model is loaded as soon as this lane ends, which would stop a reply of the chat.
    expect(runner.borrows).toBe(true);
    await runner.stopLane(lanes[1]);
    await vi.waitFor(() => expect(idsOf(lanes[0])).toEqual([5]));
    expect(runner.borrows).toBe(true);
    api.resume();
    await done;
    expect(runner.borrows).toBe(false);
    expect(api.requests.map((request) => request.lanes.map(({ sampling }) => sampling.seed))).toEqual([[2], [1, 3]]);
    expect(engine.loads).toEqual([
      { modelId: 'other', executor: null },
      { modelId: MODEL.id, executor: 'wasm' },
    ]);
    expect(lanes.map(({ reply }) => reply?.model)).toEqual(['other', MODEL.name, 'other']);
  });

  it('lets the engine choose the executor again after the lanes, if it chose before', async () => {
    const { engine, runner, lane } = setUp();
    const lanes = [lane(1), lane(2)];
    lanes[1].set({ executor: 'reference' });
    await engine.load({ modelId: MODEL.id, executor: 'auto' });
    await runner.run(lanes, PROMPT);
    expect(engine.loads.slice(1).map(({ executor }) => executor)).toEqual(['reference', 'auto']);
    // A reply moved it, or a person chose.
    engine.requested = 'wasm';
    await runner.run(lanes, PROMPT);
    expect(engine.loads.slice(3).map(({ executor }) => executor)).toEqual(['reference', 'wasm']);
  });

  it('adds the lanes of each batch to the totals of their model', async () => {
    const { runner, totals, lane } = setUp();
    await runner.run([lane(1, OTHER), lane(2), lane(3)], PROMPT);
    const counts = totals.models.map((each) => [each.model, each.replies, each.computedTokens, each.tokens]);
    expect(counts).toEqual([
      [MODEL.name, 2, 4, 4],
      ['other', 1, 4, 2],
    ]);
  });

  it('ends the lanes of a model that cannot be loaded with the reason, and runs the others', async () => {
    const { engine, runner, lane } = setUp();
    engine.broken = 'other';
    const lanes = [lane(1), lane(2, OTHER)];
    await runner.run(lanes, PROMPT);
    expect(lanes.map(reasonOf)).toEqual(['eos', 'error']);
    expect(lanes[1].reply?.stop).toMatchObject({ error: { code: 'OUT_OF_MEMORY', message: 'It does not fit.' } });
    expect(engine.model?.id).toBe(MODEL.id);
  });

  it('loads the first model again if the one that replaced it could not be loaded, or was stopped', async () => {
    const { engine, runner, lane } = setUp();
    engine.evicts = true;
    engine.broken = 'other';
    await runner.run([lane(1), lane(2, OTHER)], PROMPT);
    expect(engine.model?.id).toBe(MODEL.id);
    engine.broken = null;
    const stopped = lane(3, OTHER);
    engine.whileLoading = () => {
      engine.whileLoading = () => undefined;
      runner.stop();
    };
    await runner.run([stopped], PROMPT);
    expect(reasonOf(stopped)).toBe('user');
    expect(engine.model?.id).toBe(MODEL.id);
  });

  it('stops loading the first model again, and then keeps the other one', async () => {
    const { engine, runner, lane } = setUp();
    engine.whileLoading = () => {
      if (engine.loads.length === 2) runner.stop();
    };
    const one = lane(1, OTHER);
    await runner.run([one], PROMPT);
    expect(reasonOf(one)).toBe('eos');
    expect(engine.loads.map(({ modelId }) => modelId)).toEqual(['other', MODEL.id]);
    expect([engine.model?.id, runner.problem, runner.running]).toEqual(['other', null, false]);
  });

  it('lets the chat use the engine while only lanes of the loaded model run or wait', async () => {
    const { api, runner, lane } = setUp();
    // More than one batch.
    const lanes = Array.from({ length: 9 }, (_, seed) => lane(seed));
    api.scripts.set(0, [5, 'pause', 6]);
    const done = runner.run(lanes, PROMPT);
    await vi.waitFor(() => expect(idsOf(lanes[0])).toEqual([5]));
    expect([runner.isWaiting(lanes[8]), runner.borrows]).toEqual([true, false]);
    api.resume();
    await done;
  });

  it('does not load the first model again if a person unloads or replaces it meanwhile', async () => {
    const { engine, runner, lane } = setUp();
    engine.evicts = true;
    engine.whileLoading = () => runner.stop('unload X');
    await runner.run([lane(1, OTHER)], PROMPT);
    expect([engine.model, engine.loads.length, runner.problem]).toEqual([null, 1, null]);
  });

  it.each([
    ['loaded one', MODEL.id],
    ['other one', 'other'],
  ])('leaves the model that another window chose while lanes of the %s ran', async (_, id) => {
    const { engine, api, runner, lane } = setUp();
    const one = lane(1, { id, name: id });
    api.scripts.set(1, [5, 'pause', 6]);
    const done = runner.run([one], PROMPT);
    await vi.waitFor(() => expect(idsOf(one)).toEqual([5]));
    const { length } = engine.loads;
    engine.model = { ...MODEL, id: 'third', executor: 'wasm' };
    api.resume();
    await done;
    expect(reasonOf(one)).toBe('eos');
    expect([engine.loads.length, engine.model.id]).toEqual([length, 'third']);
  });

  it('stops one lane, while the others continue', async () => {
    const { api, runner, lane } = setUp();
    const lanes = [lane(1), lane(2)];
    api.scripts.set(1, [5, 'pause', 6]).set(2, [7, 8]);
    const done = runner.run(lanes, PROMPT);
    await vi.waitFor(() => expect(idsOf(lanes[0])).toEqual([5]));
    await runner.stopLane(lanes[0]);
    await done;
    expect(lanes.map(idsOf)).toEqual([[5], [7, 8]]);
    expect(lanes.map(reasonOf)).toEqual(['user', 'eos']);
  });

  it('stops a lane whose model is loading, while the others continue', async () => {
    const { engine, api, runner, lane } = setUp();
    const lanes = [lane(1, OTHER), lane(2, OTHER)];
    engine.whileLoading = () => {
      engine.whileLoading = () => undefined;
      void runner.stopLane(lanes[0]);
    };
    await runner.run(lanes, PROMPT);
    expect(lanes.map(reasonOf)).toEqual(['user', 'eos']);
    expect(api.requests.map((request) => request.lanes.map(({ sampling }) => sampling.seed))).toEqual([[2]]);
  });

  it('keeps the model of the lanes if none was loaded before', async () => {
    const { engine, runner, lane } = setUp();
    engine.model = null;
    const one = lane(1);
    await runner.run([one], PROMPT);
    expect(reasonOf(one)).toBe('eos');
    expect([engine.loads.length, engine.model]).toMatchObject([1, { id: MODEL.id }]);
  });

  it('stops everything, also what waits, and keeps the texts', async () => {
    const { engine, api, runner, lane } = setUp();
    const lanes = [lane(1), lane(2, OTHER)];
    api.scripts.set(1, [5, 'pause', 6]);
    const done = runner.run(lanes, PROMPT);
    await vi.waitFor(() => expect(idsOf(lanes[0])).toEqual([5]));
    expect(runner.isWaiting(lanes[1])).toBe(true);
    runner.stop('load X');
    await done;
    expect(lanes.map(({ reply }) => reply?.stop)).toEqual([
      { reason: 'user', tokens: 1, to: 'load X' },
      { reason: 'user', tokens: 0, to: 'load X' },
    ]);
    expect(engine.loads).toEqual([]);
  });

  it('runs a lane again after what is running', async () => {
    const { api, runner, lane } = setUp();
    const lanes = [lane(1), lane(2)];
    api.scripts.set(1, [5]).set(2, [7, 'pause', 8]);
    const done = runner.run(lanes, PROMPT);
    await vi.waitFor(() => expect(idsOf(lanes[1])).toEqual([7]));
    lanes[0].set({ sampling: { ...lanes[0].settings.sampling, seed: 9 } });
    const again = runner.run([lanes[0]], PROMPT);
    expect(lanes[0].running).toBe(true);
    api.resume();
    await Promise.all([done, again]);
    expect(lanes.map(idsOf)).toEqual([
      [10, 11],
      [7, 8],
    ]);
    expect(lanes[0].changed).toBe(false);
  });

  it('shows a failure of the whole batch at each lane', async () => {
    const { api, runner, lane } = setUp();
    api.failure = new EngineError('OUT_OF_MEMORY', 'No memory for 2 lanes.');
    const lanes = [lane(1), lane(2)];
    await runner.run(lanes, PROMPT);
    expect(lanes.map(reasonOf)).toEqual(['error', 'error']);
    expect(runner.running).toBe(false);
    await runner.run([lanes[0]], PROMPT);
    expect(lanes.map(reasonOf)).toEqual(['eos', 'error']);
  });
});
