import { expect, it, onTestFinished, vi } from 'vitest';
import { EngineError } from '../../src-main/engine/api/errors.ts';
import type { LocalAppServices } from '../../src-main/services/app-services.ts';
import { ChatsState } from '../features/chat/state/chats.svelte.ts';
import { dataFolder, openStore, PageLine } from '../features/chat/test-support/store.ts';
import { announcements } from '../ui/live-region.svelte.ts';
import { RecentlyDeleted } from './recently-deleted.svelte.ts';

const AT = '2026-01-02T03:04:05.678Z';

/** A page that shows what was deleted. */
async function openPage(store: LocalAppServices) {
  const line = new PageLine(store);
  const purged: string[] = [];
  const chats = new ChatsState(line, (id) => purged.push(id));
  await chats.refresh();
  const deleted = new RecentlyDeleted(line, chats);
  onTestFinished(deleted.follow());
  await deleted.refresh();
  return { line, chats, deleted, purged };
}

/** Writes chats with one message, and deletes them. Their ids are their titles. */
async function deletedChats(...titles: string[]): Promise<LocalAppServices> {
  const store = await openStore(await dataFolder());
  for (const title of titles) {
    const turn = { id: 'u', parent: null, role: 'user' as const, text: title, createdAt: AT };
    const facts = { title, folder: 'Animals' };
    const events = [
      { type: 'facts' as const, at: AT, facts },
      { type: 'turn' as const, at: AT, turn },
    ];
    await store.invoke('chatWrite', { id: title, base: 0, origin: 'test', events, details: [] });
    await store.invoke('chatDelete', title);
  }
  return store;
}

const titles = (list: readonly { title: string }[] | null) => list?.map(({ title }) => title).toSorted();

it('restores a chat to its folder, and announces it', async () => {
  const { chats, deleted } = await openPage(await deletedChats('Cats', 'Dogs'));
  expect(titles(deleted.list)).toEqual(['Cats', 'Dogs']);
  const cats = deleted.list!.find(({ title }) => title === 'Cats')!;
  expect(await deleted.restore([cats])).toBe(true);
  expect(titles(deleted.list)).toEqual(['Dogs']);
  expect(chats.list).toMatchObject([{ title: 'Cats', folder: 'Animals', turns: 1 }]);
  expect(announcements.text).toBe('Chat restored: Cats');
});

it('restores all, also those beside one that is gone meanwhile', async () => {
  const store = await deletedChats('Cats', 'Dogs', 'Emus', 'Foxes');
  const { chats, deleted } = await openPage(store);
  const [first, second, ...others] = deleted.list!;
  await store.invoke('chatsPurge', [first.id]);
  expect(await deleted.restore([first, second])).toBe(false);
  expect(deleted.problem).toContain('no longer exists');
  await deleted.refresh();
  expect(titles(deleted.list)).toEqual(titles(others));
  expect(await deleted.restore(deleted.list!)).toBe(true);
  expect(deleted.list).toEqual([]);
  expect(titles(chats.list)).toEqual(titles([second, ...others]));
  expect(announcements.text).toBe('2 chats restored');
});

it('deletes one or all for good, with what the engine has of them', async () => {
  const store = await deletedChats('Cats', 'Dogs', 'Emus');
  const { deleted, purged } = await openPage(store);
  const dogs = deleted.list!.find(({ title }) => title === 'Dogs')!;
  expect(await deleted.purge([dogs])).toBe(true);
  expect(titles(deleted.list)).toEqual(['Cats', 'Emus']);
  expect(purged).toEqual(['Dogs']);
  expect(announcements.text).toBe('Chat deleted for good: Dogs');
  expect(await deleted.purge(deleted.list!)).toBe(true);
  expect(deleted.list).toEqual([]);
  expect(purged.toSorted()).toEqual(['Cats', 'Dogs', 'Emus']);
  expect(announcements.text).toBe('2 chats deleted for good');
  expect(await store.invoke('chatsDeleted')).toEqual([]);
});

it('shows what another window deletes, restores and deletes for good', async () => {
  const store = await deletedChats('Cats', 'Dogs');
  const { deleted, chats } = await openPage(store);
  const other = await openPage(store);
  const [first, second] = other.deleted.list!;
  await other.deleted.restore([first]);
  await vi.waitFor(() => expect(deleted.list).toMatchObject([{ id: second.id }]));
  await other.deleted.purge([second]);
  await vi.waitFor(() => expect(deleted.list).toEqual([]));
  await vi.waitFor(() => expect(titles(chats.list)).toEqual([first.title]));
  await other.chats.remove(first.id);
  await vi.waitFor(() => expect(deleted.list).toMatchObject([{ id: first.id }]));
});

it('leaves the list as it is when something fails, and says why until it works', async () => {
  const { deleted, line, purged } = await openPage(await deletedChats('Cats'));
  const [cats] = deleted.list!;
  line.failure = new EngineError('STORAGE', 'The disk is full.');
  expect(await deleted.restore([cats])).toBe(false);
  expect(await deleted.purge([cats])).toBe(false);
  expect(deleted.problem).toBe('The disk is full.');
  expect(titles(deleted.list)).toEqual(['Cats']);
  expect(purged).toEqual([]);
  line.failure = null;
  expect(await deleted.purge([cats])).toBe(true);
  await deleted.refresh();
  expect(deleted.problem).toBeNull();
});

it('restores once when it is asked twice at the same time', async () => {
  const { deleted, line } = await openPage(await deletedChats('Cats'));
  const [cats] = deleted.list!;
  expect(await Promise.all([deleted.restore([cats]), deleted.restore([cats])])).toEqual([true, false]);
  expect(line.calls.filter(({ method }) => method === 'chatRestore')).toHaveLength(1);
});
