import { beforeEach, describe, expect, it } from 'vitest';
import { ReceiptsState } from '../../chat/receipts/receipts.svelte.ts';
import { taskText } from '../../chat/receipts/task-text.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import { end, MODEL, token, tokens } from '../../chat/test-support/fakes.ts';
import { idsOf, open, startWith, type } from '../test-support/open-notebook.ts';

let opened: Awaited<ReturnType<typeof open>>;
let receipts: ReceiptsState;
beforeEach(async () => {
  opened = await open();
  opened.api.files = [{ name: 'model.gguf', bytes: 9, sha256: 'a'.repeat(64) }];
  const { connection, engine } = opened;
  const versions = () => Promise.resolve({ Tokenscope: '1.0.0' });
  receipts = new ReceiptsState({ connection, engine, versions, session: { hashing: Promise.resolve() } });
});

function lastReply(): Reply {
  const reply = opened.notebooks.current?.lastReply ?? null;
  if (reply === null) throw new Error('Nothing was generated.');
  return reply;
}

async function runAgain(): Promise<string> {
  await receipts.runAgain((reply) => opened.session.findRun(reply), lastReply());
  if (receipts.task === null) throw new Error('Nothing was repeated.');
  const { title, detail } = taskText(receipts.task);
  return `${title}: ${detail}`;
}

describe('Verify reply', () => {
  it('repeats a generation with its recorded settings, also after a restart', async () => {
    const { api, notebooks, session, modelSettings, folder } = opened;
    modelSettings.setSampling({ temperature: 1.3 });
    const script = [startWith(idsOf('ab')), ...tokens(3), end(3)];
    api.scripts.push(script);
    const notebook = notebooks.create('ab. End.');
    await session.generate(2);
    modelSettings.setSampling({ temperature: 0.1 });
    expect(lastReply().facts.run).toMatchObject({
      continues: { reason: 'eos' },
      whenFull: expect.any(String) as string,
    });
    await expect.poll(() => lastReply().facts.run?.files ?? null).not.toBeNull();
    await notebooks.flush();

    const again = await open(folder);
    again.api.files = api.files;
    opened = again;
    receipts = new ReceiptsState({
      ...{ connection: again.connection, engine: again.engine, session: { hashing: Promise.resolve() } },
      versions: () => Promise.resolve({ Tokenscope: '1.0.0' }),
    });
    await again.notebooks.select(notebook.id);
    again.api.scripts.push(script);
    expect(await runAgain()).toBe('Identical: All 3 tokens match.');
    expect(again.api.requests).toMatchObject([
      {
        prompt: { kind: 'text', text: 'ab', addBos: true, parseSpecial: false },
        sampling: { temperature: 1.3, seed: 7 },
        continues: { reason: 'eos' },
        stop: { repetitionWindow: MODEL.defaultRepetitionWindow },
      },
    ]);
  });

  it('passes on generated tokens before it as ids, and the chosen token of a branch', async () => {
    const { api, notebooks, session } = opened;
    const notebook = notebooks.create('ab');
    api.scripts.push([startWith(idsOf('ab')), ...tokens(2), end(2)]);
    await session.generate(2);
    const branch = [startWith([...idsOf('ab'), 3]), { type: 'token', token: token(90) } as const, end(1)];
    api.scripts.push(branch, branch);
    await session.branch(session.tokens[1], 93);
    expect(notebook.text.toString()).toBe('abt0 t90');
    expect(lastReply().facts.run?.chosen).toEqual({ id: 93, idsBefore: 0 });
    expect(await runAgain()).toBe('Identical: The token matches.');
    expect(api.requests.at(-1)).toMatchObject({ prompt: { kind: 'ids', ids: [...idsOf('ab'), 3] }, firstToken: 93 });
  });

  it('says why it cannot be repeated', async () => {
    const { api, notebooks, session } = opened;
    const notebook = notebooks.create('ab');
    api.scripts.push([startWith(idsOf('ab')), ...tokens(2), end(2)]);
    await session.generate(2);
    type(notebook, 0, 'x');
    expect(await runAgain()).toContain('The text before this generation has changed.');
    await session.undo();
    expect(api.requests).toHaveLength(1);
    await session.undo();
    expect(notebook.text.toString()).toBe('ab');
    expect(await runAgain()).toContain('The beginning of this generation is not in the text.');
  });
});

describe('how it was drawn', () => {
  it('asks with the recorded settings, the prompt’s ids and the tokens before', async () => {
    const { api, notebooks, session } = opened;
    notebooks.create('ab');
    api.scripts.push([startWith(idsOf('ab')), ...tokens(3), end(3)]);
    await session.generate(2);
    const draws = await session.drawsOf(lastReply());
    expect(draws.problem(2)).toBeNull();
    expect(draws.before(2)).toEqual({ prompt: 'ab', reply: 't0 t1' });
    expect(draws.question(2)).toMatchObject({
      prompt: { kind: 'ids', ids: idsOf('ab') },
      reply: [3, 4],
      sampling: { seed: 7 },
      continues: { reason: 'eos' },
    });
  });

  it('names a token that a person chose, which was not drawn', async () => {
    const { api, notebooks, session } = opened;
    notebooks.create('ab');
    api.scripts.push([startWith(idsOf('ab')), ...tokens(2), end(2)]);
    await session.generate(2);
    api.scripts.push([startWith([...idsOf('ab'), 3]), { type: 'token', token: token(90) }, ...tokens(2), end(3)]);
    await session.branch(session.tokens[1], 93);
    const draws = await session.drawsOf(lastReply());
    const { continues } = api.requests[1];
    expect(draws.question(2)).toMatchObject({
      prompt: { ids: [...idsOf('ab'), 3] },
      firstToken: 93,
      reply: [3],
      continues,
    });
    expect(draws.question(0)).toMatchObject({ prompt: { ids: [...idsOf('ab'), 3] }, reply: [] });
    expect(draws.question(0)).not.toHaveProperty('firstToken');
  });

  it('says so if the text before has changed', async () => {
    const { api, notebooks, session } = opened;
    const notebook = notebooks.create('ab');
    api.scripts.push([startWith(idsOf('ab')), ...tokens(3), end(3)]);
    await session.generate(2);
    type(notebook, 1, 'x');
    const draws = await session.drawsOf(lastReply());
    expect(draws.problem(0)).toContain('The text before this generation has changed.');
  });
});
