import { expect, it } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { ChatsState } from '../state/chats.svelte.ts';
import { dataFolder, openStore, PageLine } from '../test-support/store.ts';
import openWebUi from './fixtures/open-webui.json' with { type: 'json' };
import { ChatImport } from './import.svelte.ts';

async function open() {
  const services = new PageLine(await openStore(await dataFolder()));
  const chats = new ChatsState(services);
  return { services, chats, chatImport: new ChatImport(chats) };
}
const fileOf = (value: unknown) => new File([JSON.stringify(value)], 'chats.json');

it('imports chats, opens the first one, and deletes them again', async () => {
  const { chats, chatImport } = await open();
  const imported = await chatImport.take(fileOf([...openWebUi, ...openWebUi]));
  expect(imported?.count).toBe(2);
  expect(chatImport.task).toMatchObject({ phase: 'done', saved: 2, total: 2, problems: [] });
  expect(chats.list).toHaveLength(2);
  expect(chats.current).toMatchObject({ title: 'Sorting a list', systemPrompt: 'Answer briefly.' });
  expect(chats.current.path.map(({ text }) => text).at(-1)).toBe('Pass `reverse=True`.');
  await imported?.undo(() => Promise.resolve(() => undefined));
  expect(chats.list).toEqual([]);
});

it('says why nothing was imported', async () => {
  const { chats, chatImport } = await open();
  expect(await chatImport.take(fileOf({ a: 1 }))).toBeNull();
  expect(chatImport.task).toMatchObject({
    phase: 'done',
    saved: 0,
    problems: [expect.stringContaining('has no chats')],
  });
  expect(chats.list).toEqual([]);
  chatImport.close();
  expect(chatImport.task).toBeNull();
});

it('leaves a file of something else to others', async () => {
  const { chatImport } = await open();
  let taken = 0;
  expect(await chatImport.take(fileOf({ a: 1 }), async () => ++taken > 0)).toBeNull();
  expect(chatImport.task).toBeNull();
  await chatImport.take(new File(['[{"mapping": '], 'chats.json'), () => ++taken > 0);
  expect(chatImport.task?.problems[0]).toContain('incomplete');
  expect(taken).toBe(1);
});

it('keeps no part of a chat that cannot be saved', async () => {
  const { services, chats, chatImport } = await open();
  services.fullDisk = new EngineError('STORAGE', 'The disk is full.');
  expect(await chatImport.take(fileOf(openWebUi))).toBeNull();
  expect(chatImport.task?.problems).toEqual(['The disk is full.']);
  services.fullDisk = null;
  await chats.refresh();
  expect(chats.list).toEqual([]);
});

it('imports the others when one is refused, and names that one', async () => {
  const { services, chats, chatImport } = await open();
  const invoke = services.invoke.bind(services);
  let writes = 0;
  services.invoke = async (method, ...params) => {
    if (method === 'chatWrite' && ++writes === 2) throw new EngineError('BAD_REQUEST', 'It is too large.');
    return await invoke(method, ...params);
  };
  const imported = await chatImport.take(fileOf([...openWebUi, ...openWebUi, ...openWebUi]));
  expect(imported?.count).toBe(2);
  expect(chatImport.task).toMatchObject({
    saved: 2,
    total: 3,
    problems: ['“Sorting a list” was not imported. It is too large.'],
  });
  expect(chats.list).toHaveLength(2);
});

it('duplicates a chat with all its branches', async () => {
  const { services, chats, chatImport } = await open();
  await chatImport.take(fileOf(openWebUi));
  const first = chats.current;
  const id = await chats.duplicate(first.id);
  expect(chats.currentId).toBe(id);
  expect(chats.current.title).toBe('Sorting a list (copy)');
  const [copy, original] = await Promise.all([id!, first.id].map(async (one) => await services.invoke('chatGet', one)));
  expect(copy?.turns).toEqual(original?.turns);
  expect(copy?.head).toBe(original?.head);
});
