import { describe, expect, it } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { Fit } from '../../models/memory.ts';
import { MODEL } from '../../chat/test-support/fakes.ts';
import type { LaneModel } from './lane-models.ts';
import { loadFor } from './load-model.ts';

function setUp(change: { problem?: EngineError; verdict?: Fit['verdict']; loads?: boolean; pendingId?: string }) {
  const engine = { model: MODEL, status: 'ready' as const };
  const loads: unknown[] = [];
  const abort = new AbortController();
  const library = {
    load: async (id: string, options = {}) => {
      await Promise.resolve();
      loads.push([id, options]);
      if (change.loads) engine.model = { ...MODEL, id, executor: 'reference' };
    },
    cancelLoad: () => loads.push('cancelled'),
    pendingId: change.pendingId ?? null,
    problem: () => change.problem ?? null,
    fit: (_id: string, on?: string) =>
      change.verdict === undefined || on === 'webgpu' ? null : ({ verdict: change.verdict } as Fit),
    nameOf: () => 'Other',
  };
  const load = (executor: LaneModel['executor'] = 'reference', keep = false) =>
    loadFor(library, engine, { modelId: 'other', executor }, abort.signal, keep);
  return { loads, abort, load };
}

describe('loadFor', () => {
  it('loads a model with its executor', async () => {
    const { loads, abort, load } = setUp({ loads: true });
    const { signal } = abort;
    await load();
    expect(loads).toEqual([['other', { executor: 'reference', signal }]]);
  });
  it('keeps the loaded model beside it, where its memory can be estimated', async () => {
    const { loads, abort, load } = setUp({ loads: true });
    const { signal } = abort;
    await load(null, true);
    await load('reference', true);
    expect(loads).toEqual([
      ['other', { keepLoaded: true, signal }],
      ['other', { executor: 'reference', signal }],
    ]);
  });
  it('says why it is not loaded', async () => {
    const gone = new EngineError('MODEL_NOT_FOUND', 'Its file is gone.');
    await expect(setUp({ problem: gone }).load()).rejects.toThrow('Its file is gone.');
    await expect(setUp({ verdict: 'too-large' }).load()).rejects.toThrow('Other does not fit in memory.');
    // A GPU has memory of its own.
    await expect(setUp({ verdict: 'too-large', problem: gone }).load('webgpu')).rejects.toThrow('Its file is gone.');
    await expect(setUp({}).load()).rejects.toThrow('Other could not be loaded.');
  });
  it('can be cancelled', async () => {
    const { loads, abort, load } = setUp({});
    const done = load();
    abort.abort();
    await expect(done).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(loads).toContain('cancelled');
  });
  it('does not cancel the load of a model that a person has chosen meanwhile', async () => {
    const { loads, abort, load } = setUp({ pendingId: 'third' });
    const done = load();
    abort.abort();
    await expect(done).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(loads).not.toContain('cancelled');
  });
});
