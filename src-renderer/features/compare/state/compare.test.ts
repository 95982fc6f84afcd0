import { afterEach, describe, expect, it, vi } from 'vitest';
import { divergesAt } from '../../../../src-main/protocol/engine/reply-metrics.ts';
import { MODEL } from '../../chat/test-support/fakes.ts';
import { LANE_MODEL as model, setUpCompare as setUp } from '../test-support/compare-setup.ts';
import { laneStatus } from './compare-figures.ts';
import { figuresOf } from './figures.ts';

afterEach(() => {
  vi.useRealTimers();
});

describe('CompareState', () => {
  it('needs a prompt and two lanes', async () => {
    const { api, compare } = setUp([1, 2]);
    compare.text = ' ';
    expect(compare.blocked).toBe('Write a prompt first.');
    await compare.run();
    expect(compare.rerunBlocked).toBe('Write a prompt first.');
    expect(await compare.rerun(compare.lanes[0])).toBe(false);
    expect(api.requests).toEqual([]);
    compare.remove(compare.lanes[0]);
    expect(compare.lanes).toHaveLength(2);
    compare.useLanes([]);
    expect(compare.blocked).toBe('Load a model first.');
  });

  it('marks where each lane differs from the first one, and the first one where any differs from it', async () => {
    const { compare } = setUp();
    await compare.run();
    expect(compare.commons).toEqual([
      { shared: 2, at: 2 },
      { shared: 2, at: 2 },
      { shared: 4, at: null },
    ]);
    const ids = compare.lanes.map(({ reply }) => reply?.columns.ids ?? []);
    expect(compare.commons.slice(1).map((common) => common?.at)).toEqual(
      ids.slice(1).map((one) => divergesAt(ids[0], one)),
    );
    compare.pin(compare.lanes[1]);
    expect(compare.commons.map((common) => common?.at)).toEqual([2, 2, 2]);
    expect(compare.base).toBe(compare.lanes[1]);
  });

  it('stores what it takes to repeat each reply, with the files once they are hashed', async () => {
    const { api, compare, history } = setUp([1, 2]);
    api.files = [{ name: 'model.gguf', bytes: 9, sha256: 'a'.repeat(64) }];
    await compare.run();
    await vi.waitFor(() => expect(history.saved).toHaveLength(2));
    const runs = history.saved[1].lanes.map(({ replies }) => replies[0].facts.run);
    expect(runs).toMatchObject([{ files: api.files }, { files: api.files }]);
    const [{ lanes }] = api.requests;
    expect(lanes.map(({ prompt }) => prompt)).toMatchObject(runs.map((run) => ({ date: run!.requestedAt })));
    expect(runs[0]).not.toHaveProperty('chosen');
  });

  it('does not compare the tokens of different models', async () => {
    const { compare } = setUp([1, 2]);
    compare.lanes[1].set({ modelId: 'other', modelName: 'Other' });
    await compare.run();
    expect(compare.commons).toEqual([null, null]);
  });

  it('runs one lane again on the prompt of the others', async () => {
    const { api, compare } = setUp();
    await compare.run();
    compare.text = 'Twice';
    expect(compare.promptChanged).toBe(true);
    expect([compare.prompt, compare.rerunPrompt]).toMatchObject([{ text: 'Twice' }, { text: 'Once' }]);
    const [first, second] = compare.lanes;
    const before = first.reply;
    second.set({ sampling: { ...second.settings.sampling, temperature: 2 } });
    expect(second.changed).toBe(true);
    await compare.rerun(second);
    expect(first.reply).toBe(before);
    expect(second.changed).toBe(false);
    expect(api.requests[1].lanes).toMatchObject([
      { sampling: { temperature: 2 }, prompt: { messages: [{ role: 'user', text: 'Once' }] } },
    ]);
  });

  it('runs lanes again on their prompt, also if the box is empty or their run was deleted', async () => {
    const { api, compare, history } = setUp();
    await compare.run();
    const ids = [compare.id];
    compare.text = '';
    expect(compare.rerunBlocked).toBeNull();
    expect(await compare.rerun(compare.lanes[1])).toBe(true);
    compare.text = 'Twice';
    compare.forget();
    await compare.rerun(compare.lanes[2]);
    ids.push(compare.id);
    compare.forget();
    await compare.nextRound();
    ids.push(compare.id);
    const prompts = api.requests.flatMap(({ lanes }) => lanes.map(({ prompt }) => prompt));
    expect(prompts).toHaveLength(3 + 1 + 1 + 3);
    for (const prompt of prompts) expect(prompt).toMatchObject({ messages: [{ role: 'user', text: 'Once' }] });
    expect(new Set(ids).size).toBe(3);
    expect(history.saved.at(-1)).toMatchObject({ id: ids[2], prompt: { text: 'Once' } });
  });

  it('keeps storing a run that was deleted and restored while it grows', async () => {
    const { api, compare, history } = setUp([1, 2]);
    api.scripts.set(1, [5, 'pause', 6]);
    const done = compare.run();
    const { id } = compare;
    const back = compare.forget();
    expect(compare.id).toBeNull();
    expect(back()).toBe(true);
    api.resume();
    await done;
    expect(history.saved.map((run) => run.id)).toEqual([id]);
    const late = compare.forget();
    compare.useLanes(compare.settings);
    expect(late()).toBe(false);
  });

  it('stores how a run ended that was deleted while it grew and restored afterwards', async () => {
    const { api, compare, history } = setUp([1, 2]);
    api.scripts.set(1, [5, 'pause', 6]);
    const done = compare.run();
    const { id } = compare;
    const back = compare.forget();
    api.resume();
    await done;
    expect(history.saved).toEqual([]);
    expect(back()).toBe(true);
    expect(history.saved).toMatchObject([
      { id, lanes: [{ replies: [{ tokens: { ids: [5, 6] }, facts: { stop: { reason: 'eos' } } }] }, {}] },
    ]);
    // One that had ended before was stored.
    expect(compare.forget()()).toBe(true);
    expect(history.saved).toHaveLength(1);
  });

  it('leaves a new run alone when the one before it is restored', async () => {
    const { api, compare } = setUp([1, 2]);
    await compare.run();
    const back = compare.forget();
    api.scripts.set(1, [5, 'pause', 6]);
    const done = compare.run();
    const { id } = compare;
    expect(back()).toBe(true);
    expect(compare.id).toBe(id);
    api.resume();
    await done;
    expect(back()).toBe(false);
  });

  it('adds, duplicates, removes and restores lanes', () => {
    const { compare } = setUp([1, 2]);
    compare.lanes[0].set({ label: 'Mine' });
    compare.add(compare.lanes[0]);
    expect(compare.labels).toEqual(['Mine', 'Mine', 'Seed 2']);
    const before = compare.lanes;
    const undo = compare.remove(compare.lanes[1]);
    expect(compare.labels).toEqual(['Mine', 'Seed 2']);
    undo!();
    expect(compare.lanes.map(({ key }) => key)).toEqual(before.map(({ key }) => key));
    for (let more = 0; more < 10; more++) compare.add();
    expect(compare.lanes).toHaveLength(8);
  });

  it('restores a removed lane among those that were added meanwhile, and only in its run', async () => {
    const { compare, history } = setUp();
    await compare.run();
    const [, second, third] = compare.lanes;
    const undo = compare.remove(second);
    compare.add(third);
    undo!();
    expect(compare.lanes.indexOf(second)).toBe(1);
    expect(compare.lanes).toHaveLength(4);

    const late = compare.remove(second);
    compare.open({ ...history.saved[0], id: 'another' });
    const { lanes } = compare;
    late!();
    expect(compare.lanes).toBe(lanes);
  });

  it('restores a removed lane without its replies if another prompt was run meanwhile', async () => {
    const { compare } = setUp();
    await compare.run();
    const [, second] = compare.lanes;
    const undo = compare.remove(second);
    compare.text = 'Twice';
    await compare.run();
    undo!();
    expect(compare.lanes[1]).toMatchObject({ settings: second.settings, replies: [], ranWith: null });
    expect(compare.stored()).toMatchObject({ prompt: { text: 'Twice' }, lanes: [{}, { replies: [] }, {}] });
  });

  it('takes a chat with its system prompt; a single message is a prompt', () => {
    const { compare } = setUp();
    const messages = [
      { role: 'user', text: 'Hi' },
      { role: 'assistant', text: 'Hello' },
      { role: 'user', text: 'Who?' },
    ] as const;
    compare.take({ title: 'A chat', messages, systemPrompt: 'Be brief.' }, { id: 'new', name: 'New' });
    expect(compare.prompt).toEqual({ kind: 'chat', messages });
    expect(compare.prompt).not.toHaveProperty('whenFull');
    expect(compare.settings[2]).toMatchObject({ systemPrompt: 'Be brief.', modelId: 'new', modelName: 'New' });
    compare.take({ title: 'A chat', messages: [messages[0]], systemPrompt: '' }, null);
    expect(compare.prompt).toEqual({ kind: 'text', text: 'Hi' });
  });

  it('drops the oldest turns as the chat does that was sent here, also when the run is opened again', async () => {
    const { api, compare, history } = setUp();
    const messages = [{ role: 'user', text: 'Hi' } as const, { role: 'assistant', text: 'Hello' } as const];
    compare.take({ title: 'A chat', messages, systemPrompt: '', whenFull: 'drop_oldest' }, null);
    await compare.run();
    for (const { prompt } of api.requests[0].lanes) expect(prompt).toMatchObject({ whenFull: 'drop_oldest' });
    expect(history.saved[0].prompt).toEqual({ kind: 'chat', messages, whenFull: 'drop_oldest' });
    compare.dropChat();
    compare.open(history.saved[0]);
    expect(compare.chat?.whenFull).toBe('drop_oldest');
    expect(compare.promptChanged).toBe(false);
  });

  it('makes new sets with the system prompt of what is open', async () => {
    const { compare, history } = setUp();
    await compare.run();
    const messages = [{ role: 'user', text: 'Hi' } as const, { role: 'assistant', text: 'Hello' } as const];
    const chat = { title: 'A chat', messages, systemPrompt: 'Be a pirate.' };
    compare.take(chat, null);
    expect(compare.systemPrompt).toBe('Be a pirate.');
    compare.lanes[1].set({ systemPrompt: 'Be kind.' });
    compare.dropChat();
    expect(compare.settings.map(({ systemPrompt }) => systemPrompt)).toEqual(['', 'Be kind.', '']);
    expect([compare.systemPrompt, compare.prompt]).toEqual(['', { kind: 'text', text: 'Once' }]);
    compare.take(chat, null);
    compare.open(history.saved[0]);
    expect(compare.systemPrompt).toBe('');
  });

  it('follows the loaded model until lanes have run', async () => {
    const { compare } = setUp();
    compare.follow({ id: 'new', name: 'New' });
    expect(compare.settings.map(({ modelId }) => modelId)).toEqual(['new', 'new', 'new']);
    compare.follow(model);
    await compare.run();
    compare.follow({ id: 'new', name: 'New' });
    expect(compare.settings[0].modelId).toBe(MODEL.id);
  });

  it('counts blind votes per setting, and takes the next seeds for another round', async () => {
    const { api, compare } = setUp();
    compare.lanes[1].set({ sampling: { ...compare.lanes[1].settings.sampling, topK: 40 } });
    compare.blind.turn(true, compare.lanes);
    await compare.run();
    expect(compare.blind.hides).toBe(true);
    expect(compare.wins).toBeNull();
    compare.vote(compare.lanes[1]);
    expect(compare.blind.hides).toBe(false);
    expect(compare.wins).toEqual([0, 1, 0]);
    await compare.nextRound();
    expect(api.requests[1].lanes.map(({ sampling }) => sampling.seed)).toEqual([2, 3, 4]);
    compare.vote(null);
    expect(compare.wins).toEqual([0, 1, 0]);
    expect(compare.blind.votes.map(({ winner }) => winner)).toEqual([1, null]);
  });

  it('saves each run, and opens it again as it was', async () => {
    const { compare, history } = setUp();
    await compare.run();
    compare.pin(compare.lanes[1]);
    compare.rename('My run');
    const before = compare.stored();
    expect(history.saved.map(({ id }) => id)).toEqual(Array(3).fill(compare.id));
    expect(history.saved.at(-1)).toMatchObject({
      title: 'My run',
      pinned: 1,
      prompt: { kind: 'text', text: 'Once' },
      lanes: [{ settings: { label: 'Seed 1' }, replies: [{ tokens: { ids: [5, 6, 7, 8] } }] }, {}, {}],
    });
    compare.text = 'Twice';
    await compare.run();
    expect(compare.id).not.toBe(before?.id);

    compare.open(history.saved[2]);
    expect({ ...compare.stored(), updatedAt: '' }).toEqual({ ...before, updatedAt: '' });
    expect(compare.text).toBe('Once');
    // Names that were made from the settings follow them.
    expect(compare.settings[0].label).toBe('');
    expect(compare.commons[0]?.at).toBe(2);
    expect(compare.lanes.every(({ changed }) => !changed)).toBe(true);
  });

  it('saves a run every few seconds while it grows', async () => {
    vi.useFakeTimers();
    const { api, compare, history } = setUp([1, 2]);
    api.scripts.set(1, [5, 'pause', 6]).set(2, [7]);
    const done = compare.run();
    await vi.advanceTimersByTimeAsync(5000);
    expect(history.saved).toMatchObject([
      { id: compare.id, lanes: [{ replies: [{ tokens: { ids: [5] }, facts: { stop: null } }] }, { replies: [] }] },
    ]);
    api.resume();
    await Promise.all([done, vi.advanceTimersByTimeAsync(1000)]);
    expect(history.saved).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(history.saved).toHaveLength(2);
  });

  it('saves a run that is left while it grows, and leaves the opened one as it is', async () => {
    const { api, compare, history } = setUp([1, 2]);
    await compare.run();
    const [other] = history.saved;
    api.scripts.set(1, [5, 'pause', 6]);
    const done = compare.run();
    const { id } = compare;
    await vi.waitFor(() => expect(compare.lanes[0].reply?.count).toBe(1));
    compare.open({ ...other, id: id! });
    expect([compare.id, compare.runner.running]).toEqual([id, true]);
    compare.open(other);
    await done;
    expect(compare.id).toBe(other.id);
    expect(history.saved.slice(1)).toMatchObject([
      {
        id,
        lanes: [
          { replies: [{ tokens: { ids: [5] }, facts: { stop: { reason: 'user', tokens: 1 } } }] },
          { replies: [{ tokens: { ids: [] }, facts: { stop: { reason: 'user', tokens: 0 } } }] },
        ],
      },
    ]);
  });

  it('loads the first model again, also if another run is opened meanwhile', async () => {
    const { engine, compare, history } = setUp([1, 2]);
    await compare.run();
    const [other] = history.saved;
    compare.lanes[1].set({ modelId: 'other', modelName: 'Other' });
    engine.whileLoading = () => {
      if (engine.loads.length === 2) compare.open(other);
    };
    await compare.run();
    expect(compare.id).toBe(other.id);
    expect(engine.loads.map(({ modelId }) => modelId)).toEqual(['other', MODEL.id]);
    expect(engine.model?.id).toBe(MODEL.id);
  });

  it('stores replies and votes under the name of the settings that they were generated with', async () => {
    const { compare, history } = setUp([1, 2]);
    compare.blind.turn(true, compare.lanes);
    await compare.run();
    const [, second] = compare.lanes;
    second.set({ sampling: { ...second.settings.sampling, topK: 5 } });
    expect(compare.labels[1]).toBe('Top-k 5, seed 2');
    compare.vote(second);
    expect(history.saved.at(-1)).toMatchObject({
      lanes: [{}, { settings: { label: 'Seed 2', sampling: { topK: second.ranWith!.sampling.topK } } }],
      votes: [{ lanes: [{}, { label: 'Seed 2' }] }],
    });
    compare.open(compare.stored()!);
    expect([compare.settings[1].label, compare.labels[1]]).toEqual(['', 'Seed 2']);
  });

  it('tells the status bar about the longest lane and the rate of all', async () => {
    const { api, compare } = setUp();
    api.scripts.set(1, [5, 6, 7]).set(2, [5, 6, 7, 'pause', 8]);
    expect(laneStatus(compare, 1000)).toMatchObject({ context: { used: 0 }, rate: null });
    const done = compare.run();
    await vi.waitFor(() => expect(compare.lanes[1].reply?.count).toBe(3));
    compare.beat();
    // Lane A has finished.
    expect(compare.rates).toMatchObject([{ lanes: 1 }]);
    expect(laneStatus(compare, 1000).rate).toMatchObject({ over: '1 lane' });
    api.resume();
    await done;
    // The script of the fake says 4 prompt tokens.
    expect(laneStatus(compare, 1000).context).toMatchObject({ used: 8, of: 'longest lane' });
  });

  it('gives the status bar the sum of the rates below the lanes once they have finished', async () => {
    const { compare, history } = setUp();
    await compare.run();
    const below = compare.lanes.map(({ reply }) => figuresOf(reply!).rate);
    expect(below.every((rate) => rate !== null && rate > 0)).toBe(true);
    const sum = below.reduce<number>((all, rate) => all + (rate ?? 0), 0);
    expect(laneStatus(compare, 1000).rate).toMatchObject({ current: sum, over: '3 lanes' });
    compare.open(history.saved[0]);
    expect(laneStatus(compare, 1000).rate).toEqual({ points: [], current: sum, over: '3 lanes' });
  });

  it('does not add rates of lanes that ran one after the other', async () => {
    const { compare, history } = setUp();
    await compare.run();
    /** The status bar, as if the last lane had been run at another time. */
    const statusAt = (requestedAt: string) => {
      const run = structuredClone(history.saved[0]);
      run.lanes[2].replies[0].facts.run!.requestedAt = requestedAt;
      compare.open(run);
      return laneStatus(compare, 1000).rate;
    };
    const below = compare.lanes.map(({ reply }) => figuresOf(reply!).rate ?? 0);
    expect(statusAt('2999-01-01T00:00:00.000Z')).toMatchObject({ current: below[2], over: '1 lane' });
    expect(statusAt('2000-01-01T00:00:00.000Z')).toMatchObject({ current: below[0] + below[1], over: '2 lanes' });
  });
});
