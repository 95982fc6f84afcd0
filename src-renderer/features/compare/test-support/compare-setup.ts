import type { StoredComparison } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { votesPerSetting } from '../../../../src-main/protocol/app/comparisons/votes.ts';
import { SessionTotals } from '../../chat/rates/session-totals.svelte.ts';
import { RunRecorder } from '../../chat/receipts/run-recorder.ts';
import { MODEL } from '../../chat/test-support/fakes.ts';
import { CompareState, type RunHistory } from '../state/compare.svelte.ts';
import { newLaneSettings } from '../state/lane-settings.ts';
import { FakeLaneEngine, frame } from './fake-lanes.ts';

export const LANE_MODEL = { id: MODEL.id, name: MODEL.name };

class FakeHistory implements RunHistory {
  readonly saved: StoredComparison[] = [];
  get votes() {
    return votesPerSetting([...new Map(this.saved.map((run) => [run.id, run])).values()]);
  }
  save(run: StoredComparison): Promise<string> {
    this.saved.push(structuredClone(run));
    return Promise.resolve(run.id);
  }
}

/** A comparison of lanes with these seeds, and an engine with a script for 1, 2 and 3. */
export function setUpCompare(seeds: readonly number[] = [1, 2, 3]) {
  const engine = new FakeLaneEngine();
  const history = new FakeHistory();
  const recorder = new RunRecorder({ engine, versions: () => Promise.resolve({}) });
  const compare = new CompareState({
    engine,
    recorder,
    totals: new SessionTotals(),
    load: engine.load,
    history,
    frame,
    isHidden: () => false,
  });
  compare.useLanes(seeds.map((seed) => newLaneSettings(LANE_MODEL, { seed })));
  compare.text = 'Once';
  engine.api.scripts.set(1, [5, 6, 7, 8]).set(2, [5, 6, 9]).set(3, [5, 6, 7, 8]);
  return { engine, api: engine.api, compare, history };
}
