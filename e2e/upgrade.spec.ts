import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../scripts/lib/run.ts';
import { ChatPage } from './pages/chat.ts';
import { expect, test as base } from './support/test.ts';

/** Chats and settings as written by the last version before the journal. */
const FIXTURES = join(root, 'src-main/services/chats/fixtures/v1');

interface OldChat {
  id: string;
  title: string;
  turns: (
    | { role: 'user'; text: string }
    | {
        role: 'assistant';
        active: number;
        versions: { text: string; tokens: { id: number; candidates: object[] }[] }[];
      }
  )[];
}

const test = base.extend({
  dataDir: async ({ dataDir }, use) => {
    await cp(FIXTURES, dataDir, { recursive: true });
    await use(dataDir);
  },
});
test.use({ freshApp: true });

const oldChats = async () =>
  await Promise.all(
    (await readdir(join(FIXTURES, 'chats'))).map(
      async (name) => JSON.parse(await readFile(join(FIXTURES, 'chats', name), 'utf8')) as OldChat,
    ),
  );

test('chats and settings of an earlier version open after the update, with versions, tokens and candidates', async ({
  app,
}) => {
  const { page, services } = app;
  const chat = new ChatPage(page);
  const old = await oldChats();
  await expect.poll(async () => await services.invoke('chatsList')).toHaveLength(old.length);
  expect(await services.invoke('settingsGet')).toMatchObject({
    theme: 'dark',
    perModel: { 'tiny-transformer': { stop: { maxTokens: 40, ignoreEos: true } } },
  });
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');

  for (const { id, title, turns } of old) {
    const stored = await services.invoke('chatGet', id);
    const versions = turns.flatMap((turn) => (turn.role === 'assistant' ? turn.versions : []));
    const replies = stored?.turns.flatMap((turn) => (turn.role === 'assistant' ? [turn] : [])) ?? [];
    expect(replies.map((reply) => reply.text)).toEqual(versions.map((version) => version.text));
    for (const [index, reply] of replies.entries()) {
      const { tokens } = versions[index];
      expect(reply.tokens.ids).toEqual(tokens.map((token) => token.id));
      const range = { id, turn: reply.id, from: 0, count: tokens.length };
      const details = await services.invoke('chatDetails', range);
      expect(details.map((one) => one?.candidates.length)).toEqual(tokens.map((token) => token.candidates.length));
    }

    // The visible result, once this chat has replaced the one before.
    const start = title.slice(0, 20);
    await chat.id('chat-item').filter({ hasText: start }).first().click();
    await expect(page.getByRole('heading', { level: 1 })).toContainText(start);
    const last = turns.at(-1);
    if (last?.role !== 'assistant') throw new Error('The fixtures end with a reply.');
    // Its text is Markdown.
    await chat.lastReply.getByTestId('toggle-raw').click();
    await expect(chat.lastText).toContainText(last.versions[last.active].text.trim().slice(0, 30));
    await expect(chat.replies).toHaveCount(turns.filter((turn) => turn.role === 'assistant').length);
    for (const [index, turn] of turns.filter((one) => one.role === 'assistant').entries()) {
      if (turn.versions.length === 1) continue;
      const pager = `${turn.active + 1} / ${turn.versions.length}`;
      await expect(chat.replies.nth(index)).toContainText(pager);
    }
  }
});

test('an upgraded chat can be continued', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  const [tiny] = (await oldChats()).filter(({ title }) => title === 'Once upon a time, there was a little');
  await chat.id('chat-item').filter({ hasText: tiny.title }).click();
  await expect(chat.replies).toHaveCount(2);
  await chat.openPanel('stop');
  await chat.set('maxTokens', 4);
  await chat.ask('And then');
  await app.restart();
  const again = new ChatPage(app.page);
  await expect(again.replies).toHaveCount(3);
  const stored = await app.services.invoke('chatGet', tiny.id);
  expect(stored?.turns).toHaveLength(7);
});
