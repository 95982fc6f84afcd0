/** What fills the context window, and what happens when it is full. */
import type { StoredChat, StoredReplyTurn } from '../src-main/protocol/app/chats/chat.ts';
import { cachedTestModel } from '../scripts/fetch-test-model.ts';
import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import { expectNoViolations } from './support/axe.ts';
import { expect, test, type RunningApp } from './support/test.ts';

/** The stored replies of the newest chat, oldest first: their facts are what the engine reported. */
async function storedReplies({ services }: RunningApp): Promise<StoredReplyTurn[]> {
  const [newest] = await services.invoke('chatsList');
  const chat: StoredChat | null = newest === undefined ? null : await services.invoke('chatGet', newest.id);
  return (chat?.turns ?? []).filter((turn) => turn.role === 'assistant');
}

/** Tokens of the rows of the panel that are in the window. */
async function rowSum(chat: ChatPage): Promise<number> {
  const rows = chat.page.locator('[data-testid="context-row"]:not([data-dropped])');
  const tokens = await rows.evaluateAll((all) => all.map((row) => Number(row.getAttribute('data-tokens'))));
  return tokens.reduce((sum, each) => sum + each, 0);
}

/** The meter in the status bar, the panel's meter and its rows all equal the engine's count. */
async function expectEngineCount(app: RunningApp, chat: ChatPage, window: number): Promise<void> {
  await expect
    .poll(async () => (await storedReplies(app)).at(-1)?.facts.stop ?? null, { message: 'the reply is stored' })
    .not.toBeNull();
  const { contextUsed, promptTokens } = (await storedReplies(app)).at(-1)!.facts;
  expect(contextUsed).toBeLessThanOrEqual(window);
  expect(contextUsed).toBeGreaterThan(0);
  await expect(chat.id('context-meter')).toHaveAttribute('data-used', String(contextUsed));
  await expect(chat.id('context-panel-meter')).toHaveAttribute(
    'aria-valuetext',
    new RegExp(`^${contextUsed.toLocaleString('en')} of`),
  );
  await expect.poll(() => rowSum(chat), { message: `the rows of a prompt of ${promptTokens}` }).toBe(contextUsed);
}

test('a full window offers to go on, and shows in the thread what was dropped', async ({ app }) => {
  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  const WINDOW = 256;
  await chat.ready();
  await models.show();
  await models.id('context-size').fill(String(WINDOW));
  await models.id('context-size').press('Enter');
  await models.id('load-again').click();
  await expect(models.id('load-again')).toBeHidden();
  await app.page.keyboard.press('Control+1');
  await chat.ready();
  await chat.greedy();
  await chat.endless();
  await chat.set('useKvCache', true);
  expect((await chat.ask('The cat sat on the')).reason).toBe('context_full');
  await expectEngineCount(app, chat, WINDOW);
  await chat.openPanel('stop');
  await chat.set('maxTokens', 20);
  await chat.openPanel('context');
  await expectNoViolations(app.page, 'a full context window');

  await chat.id('full-drop').click();
  await expect(chat.lastStop).toHaveAttribute('data-reason', 'max_tokens');
  await expect(chat.id('context-event')).toContainText(/oldest \d+ tokens were dropped/);
  await expectEngineCount(app, chat, WINDOW);
  await expect(chat.id('setting-whenFull-stop')).toBeChecked();

  // What cannot fit is not sent.
  await chat.id('composer').fill('the cat '.repeat(200).trim());
  await expect(chat.id('too-long')).toContainText(String(WINDOW));
  await expect(chat.id('send')).toBeDisabled();
  await chat.id('composer').press('Enter');
  await expect(chat.id('user-turn')).toHaveCount(1);

  // Of this chat only.
  await chat.id('composer').fill('');
  await chat.id('setting-whenFull-drop_oldest').check();
  await expect(chat.id('whenFull-default')).toBeVisible();
  await chat.ask('The dog');
  await expect(chat.id('context-boundary')).toContainText('2 messages above');
  await expectEngineCount(app, chat, WINDOW);
  await chat.newChat();
  await expect(chat.id('setting-whenFull-stop')).toBeChecked();
});

test.describe('SmolLM2 with a window of 512 tokens', { tag: '@full' }, () => {
  const WINDOW = 512;
  const TURNS_PAST = 8;

  for (const policy of ['stop', 'drop_oldest', 'shift'] as const) {
    test(`${policy}: the counts are the engine's, eight turns past the window`, async ({ app }) => {
      const path = await cachedTestModel();
      test.skip(path === null, 'It needs the fetched test model.');
      test.setTimeout(600_000);
      const models = new ModelsPage(app);
      const chat = new ChatPage(app.page);
      await chat.ready();
      await models.show();
      await models.open(path!);
      const card = models.id('model-card').filter({ hasText: /SmolLM2/iu });
      await models.id('context-size').fill(String(WINDOW));
      await models.id('context-size').press('Enter');
      await card.getByTestId('load-model').click();
      await expect(card).toContainText('Loaded', { timeout: 120_000 });
      await app.page.keyboard.press('Control+1');
      await chat.ready();
      await chat.newChat();
      await chat.greedy();
      await chat.openPanel('stop');
      await chat.set('maxTokens', 60);
      await chat.openPanel('context');
      await chat.id(`setting-whenFull-${policy}`).check();

      let past = 0;
      let dropped = 0;
      for (let turn = 1; past < TURNS_PAST && turn < 30; turn++) {
        const text = `Question ${turn}: tell me something about the number ${turn * 7} and why people like it.`;
        // What the model reads, before it is sent.
        await chat.openPanel('prompt');
        await chat.id('composer').fill(text);
        const isSent = policy !== 'stop' || dropped === 0;
        const shown = chat.id('rendered-chat').locator('.count');
        await expect(shown).toBeVisible();
        await expect(chat.id('rendered-chat')).toContainText(`Question ${turn}:`);
        const promised = Number((await shown.textContent())?.replaceAll(/\D/gu, ''));
        await chat.openPanel('context');
        if (promised >= WINDOW) {
          expect(policy, 'only Stop and ask may not fit').toBe('stop');
          await expect(chat.id('too-long')).toBeVisible();
          await expect(chat.id('send')).toBeDisabled();
          past++;
          dropped++;
          continue;
        }
        expect(isSent).toBe(true);
        const before = await chat.replies.count();
        await chat.id('send').click();
        await expect(chat.replies).toHaveCount(before + 1);
        await expect(chat.lastStop).toBeVisible({ timeout: 120_000 });
        await expectEngineCount(app, chat, WINDOW);
        const { facts } = (await storedReplies(app)).at(-1)!;
        expect(facts.promptTokens, 'the prompt is what was shown').toBe(promised);
        if (facts.droppedMessages > 0 || facts.shifts !== undefined || facts.stop?.reason === 'context_full') past++;
      }
      expect(past).toBe(TURNS_PAST);
      if (policy !== 'drop_oldest') return;
      // The thread shows the newest turns; only those nearby are in the DOM.
      await app.page.locator('[data-region="thread"]').evaluate((thread) => thread.scrollTo(0, 0));
      await expect(app.page.locator('[data-turn="0"]')).toHaveClass(/unread/u);
    });
  }
});
