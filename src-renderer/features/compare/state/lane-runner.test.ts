import { describe, expect, it, vi } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { SessionTotals } from '../../chat/rates/session-totals.svelte.ts';
import { RunRecorder } from '../../chat/receipts/run-recorder.ts';
import { MODEL } from '../../chat/test-support/fakes.ts';
import { FakeLaneEngine, frame } from '../test-support/fake-lanes.ts';
import { LaneRunner } from './lane-runner.svelte.ts';
import { newLaneSettings } from './lane-settings.ts';
import { Lane } from './lane.svelte.ts';

const PROMPT = { kind: 'text', text: 'Once' } as const;
const OTHER = { id: 'other', name: 'Other' };

function setUp() {
  const engine = new FakeLaneEngine();
  const recorder = new RunRecorder({ engine, versions: () => Promise.resolve({ Tokenscope: '1.0.0' }) });
  const totals = new SessionTotals();
  const runner = new LaneRunner({ engine, recorder, totals, load: engine.load, frame });
  const lane = (seed: number, model = { id: MODEL.id, name: MODEL.name }) => new Lane(newLaneSettings(model, { seed }));
  return { engine, api: engine.api, runner, totals, lane };
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

  it('adds no more tokens in a frame than can be drawn, and none is lost', async () => {
    const engine = new FakeLaneEngine();
    const recorder = new RunRecorder({ engine, versions: () => Promise.resolve({ Tokenscope: '1.0.0' }) });
    const counts: number[] = [];
    const lane = new Lane(newLaneSettings({ id: MODEL.id, name: MODEL.name }, { seed: 1 }));
    const counting = (callback: () => void) =>
      frame(() => {
        callback();
        counts.push(lane.reply?.count ?? 0);
      });
    const totals = new SessionTotals();
    const runner = new LaneRunner({ engine, recorder, totals, load: engine.load, frame: counting });
    const ids = Array.from({ length: 2000 }, (_, i) => i);
    engine.api.scripts.set(1, ids);
    await runner.run([lane], PROMPT);
    expect(idsOf(lane)).toEqual(ids);
    expect(reasonOf(lane)).toBe('eos');
    expect(Math.max(...counts.map((count, i) => count - (counts[i - 1] ?? 0)))).toBeLessThanOrEqual(64);
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
    expect(lanes.map(({ replies }) => replies.map(({ count }) => count))).toEqual([Array(5).fill(2), Array(5).fill(2)]);
  });

  it('runs lanes of another model after those of the loaded one, and loads that again', async () => {
    const { engine, api, runner, lane } = setUp();
    const lanes = [lane(1, OTHER), lane(2), lane(3, OTHER)];
    await runner.run(lanes, PROMPT);
    expect(api.requests.map((request) => request.lanes.map(({ sampling }) => sampling.seed))).toEqual([[2], [1, 3]]);
    expect(engine.loads).toEqual([
      { modelId: 'other', executor: null },
      { modelId: MODEL.id, executor: 'wasm' },
    ]);
    expect(lanes.map(({ reply }) => reply?.model)).toEqual(['other', MODEL.name, 'other']);
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

  it('stops one lane, and the others go on', async () => {
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
