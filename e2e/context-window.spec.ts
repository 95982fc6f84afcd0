/** What fills the context window, and what happens when it is full. */
import type { Locator } from '@playwright/test';
import type { StoredChat, StoredReplyTurn } from '../src-main/protocol/app/chats/chat.ts';
import { cachedTestModel } from '../scripts/fetch-test-model.ts';
import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import { expectNoViolations, expectNoViolationsIn } from './support/axe.ts';
import { clickWhen } from './support/click-when.ts';
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

/** Loads the built-in model with another window, in a chat whose replies end only there. */
async function openSmallWindow(app: RunningApp, tokens: number): Promise<ChatPage> {
  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  await chat.ready();
  await models.show();
  await models.id('context-size').fill(String(tokens));
  await models.id('context-size').press('Enter');
  await models.id('load-again').click();
  await expect(models.id('load-again')).toBeHidden();
  await app.page.keyboard.press('Control+1');
  await chat.ready();
  await chat.greedy();
  await chat.endless();
  await chat.set('useKvCache', true);
  return chat;
}

/** Loads SmolLM2 with a window, with greedy replies of at most so many tokens. Skips the test if it was not fetched. */
async function openChatModel(app: RunningApp, window: number, maxTokens: number): Promise<ChatPage> {
  const path = await cachedTestModel();
  test.skip(path === null, 'It needs the fetched test model.');
  const models = new ModelsPage(app);
  const chat = new ChatPage(app.page);
  await chat.ready();
  await models.show();
  await models.open(path!);
  const card = models.id('model-card').filter({ hasText: /SmolLM2/iu });
  // Until it is listed, the details are those of another model.
  await expect(models.id('detail-name')).toHaveText(/SmolLM2/iu);
  await models.id('context-size').fill(String(window));
  await models.id('context-size').press('Enter');
  await card.getByTestId('load-model').click();
  await expect(card).toContainText('Loaded', { timeout: 120_000 });
  await app.page.keyboard.press('Control+1');
  await chat.ready();
  await chat.newChat();
  await chat.greedy();
  await chat.openPanel('stop');
  await chat.set('maxTokens', maxTokens);
  return chat;
}

/** A reply by its place among the turns, from 1: only those near the visible part are in the DOM. */
function replyAt(chat: ChatPage, place: number): Locator {
  return chat.page.locator(`[data-testid="reply"][aria-posinset="${place}"]`);
}

test('a full window offers ways to continue, and shows in the thread what was dropped', async ({ app }) => {
  test.slow();
  const WINDOW = 256;
  const chat = await openSmallWindow(app, WINDOW);
  expect((await chat.ask('The cat sat on the')).reason).toBe('context_full');
  await expectEngineCount(app, chat, WINDOW);
  await chat.openPanel('stop');
  await chat.set('maxTokens', 20);
  await chat.openPanel('context');
  await expectNoViolations(app.page, 'a full context window');
  await expectNoViolationsIn(['dark', 'contrast'], app.page, 'a full context window');
  await expect(chat.id('context-row').first()).toContainText('start token');
  // The rate is readable beside the full meter in a small window, too.
  await app.page.setViewportSize({ width: 480, height: 800 });
  const rate = chat.id('engine-state').locator('.clip');
  expect(await rate.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0);
  await app.page.setViewportSize({ width: 1280, height: 800 });

  await chat.id('full-drop').click();
  await expect(chat.lastStop).toHaveAttribute('data-reason', 'max_tokens');
  await expect(chat.id('context-event')).toContainText(/oldest \d+ tokens were dropped/);
  await expectEngineCount(app, chat, WINDOW);
  await expect(chat.id('setting-whenFull-stop')).toBeChecked();

  // What cannot fit is not sent.
  await chat.id('composer').fill('the cat '.repeat(200).trim());
  await expect(chat.id('too-long')).toContainText(String(WINDOW));
  // It has the only count.
  await expect(chat.id('draft-tokens')).toHaveCount(0);
  await expect(chat.id('send')).toBeDisabled();
  await chat.id('composer').press('Enter');
  await expect(chat.id('user-turn')).toHaveCount(1);

  // Of this chat only.
  await chat.id('composer').fill('');
  await chat.id('setting-whenFull-drop_oldest').check();
  await expect(chat.id('whenFull-default')).toBeVisible();
  await chat.ask('The dog');
  await expect(chat.id('context-boundary')).toContainText('2 messages above');
  // Once is enough.
  await expect(chat.lastReply).not.toContainText('messages were dropped');
  await expectEngineCount(app, chat, WINDOW);
  for (const view of ['text', 'tokens']) {
    await chat.id(`view-${view}`).click();
    await expectNoViolationsIn(['light', 'dark', 'contrast'], app.page, `messages that were dropped, as ${view}`);
  }
  await chat.newChat();
  await expect(chat.id('setting-whenFull-stop')).toBeChecked();
});

test('a bigger window is loaded, and the reply continues in it', { tag: '@full' }, async ({ app }) => {
  const chat = await openSmallWindow(app, 256);
  expect((await chat.ask('The cat sat on the')).reason).toBe('context_full');
  const action = chat.id('full-bigger');
  await expect(action).toContainText(/Load with 512 tokens \(\+[\d.]+\s[kM]B\)/);
  await action.click();
  // Endless, so it fills that one as well.
  await expect.poll(async () => (await storedReplies(app)).at(-1)?.facts.contextUsed).toBe(512);
  await expectEngineCount(app, chat, 512);
  await expect(chat.replies).toHaveCount(1);
  await chat.id('composer').fill('the cat '.repeat(150).trim());
  const notice = chat.id('too-long');
  await expect(notice.getByTestId('full-bigger')).toContainText('Load with 1,000 tokens');
  await expectNoViolationsIn(['light', 'dark', 'contrast'], app.page, 'a message that is too long for a chat');
  await notice.getByTestId('full-bigger').click();
  await expect(notice).toHaveCount(0);
  await expect(chat.id('send')).toBeEnabled();
  // The model was trained for no more than 1,000.
  await chat.id('composer').fill('the cat '.repeat(300).trim());
  await expect(notice).toContainText('1,000');
  await expect(notice.getByTestId('full-bigger')).toHaveCount(0);
  await notice.getByTestId('full-new').click();
  await expect(chat.replies).toHaveCount(0);
  await expect(notice).toHaveCount(0);
  await expect(chat.id('send')).toBeEnabled();
});

test('a loop is marked, and a penalty leaves it', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.greedy();
  await chat.openPanel('stop');
  await chat.set('ignoreEos', true);
  await chat.set('maxTokens', 60);
  const { text, reason } = await chat.ask('red red red red');
  expect(reason).toBe('repetition');
  await expect(chat.lastStop).toContainText('appeared 20 times in a row');
  const marked = () =>
    app.page.evaluate(() => [...(CSS.highlights.get('loop') ?? [])].map((range) => (range as Range).toString()));
  // All rounds but the first.
  await expect.poll(async () => (await marked()).map((part) => part.trim().split(/\s+/u).length)).toEqual([19]);
  await expectNoViolationsIn(['light', 'dark', 'contrast'], app.page, 'a reply that loops');

  await chat.id('continue-penalty').click();
  await expect.poll(async () => ((await chat.lastText.textContent()) ?? '').length).toBeGreaterThan(text.length + 1);
  await expect(chat.lastStop).toHaveAttribute('data-reason', /max_tokens|repetition/);
  const next = (await chat.finished()).text.slice(text.length);
  expect(new Set(next.trim().split(/\s+/u)).size, next).toBeGreaterThan(5);
  // For that run only.
  await chat.openPanel('sampling');
  await expect(chat.id('switch-dry')).not.toBeChecked();
});

test.describe('SmolLM2 with a window of 512 tokens', { tag: '@full' }, () => {
  const WINDOW = 512;
  const TURNS_PAST = 8;
  // On two cores that other tests use, too.
  test.setTimeout(900_000);

  for (const policy of ['stop', 'drop_oldest', 'shift'] as const) {
    test(`${policy}: the counts are the engine's, eight turns past the window`, async ({ app }) => {
      // Whole turns are dropped from a prompt until an eighth of the window is free. Two earlier turns and a question remain,
      // and with replies of 150 tokens they leave less than the next reply takes: each one is shifted.
      const chat = await openChatModel(app, WINDOW, policy === 'shift' ? 150 : 60);
      if (policy === 'shift') {
        await chat.set('ignoreEos', true);
        await chat.set('repetitionWindow', 0);
      }
      await chat.openPanel('context');
      await chat.id(`setting-whenFull-${policy}`).check();

      let past = 0;
      let shifts = 0;
      let isRefused = false;
      for (let turn = 1; past < TURNS_PAST && turn < 30; turn++) {
        const text = `Question ${turn}: tell me something about the number ${turn * 7} and why people like it.`;
        // What the model reads, before it is sent.
        await chat.openPanel('prompt');
        await chat.id('composer').fill(text);
        const shown = chat.id('rendered-chat').locator('.count');
        await expect(chat.id('rendered-chat')).toContainText(`Question ${turn}:`);
        const promised = Number((await shown.textContent())?.replaceAll(/\D/gu, ''));
        await chat.openPanel('context');
        if (promised >= WINDOW) {
          expect(policy, 'only Stop and ask may not fit').toBe('stop');
          await expect(chat.id('too-long')).toBeVisible();
          await expect(chat.id('send')).toBeDisabled();
          isRefused = true;
          past++;
          continue;
        }
        expect(isRefused, 'what was too long stays too long').toBe(false);
        await chat.id('send').click();
        await expect(replyAt(chat, 2 * turn).getByTestId('stop-reason')).toBeVisible({ timeout: 120_000 });
        await expectEngineCount(app, chat, WINDOW);
        const { facts } = (await storedReplies(app)).at(-1)!;
        expect(facts.promptTokens, 'the prompt is what was shown').toBe(promised);
        shifts += facts.shifts?.length ?? 0;
        if (facts.droppedMessages > 0 || facts.shifts !== undefined || facts.stop?.reason === 'context_full') past++;
      }
      expect(past).toBe(TURNS_PAST);
      if (policy === 'stop') return;
      if (policy === 'shift') expect(shifts).toBe(TURNS_PAST);
      // The thread shows the newest turns; only those nearby are in the DOM.
      await app.page.locator('[data-region="thread"]').evaluate((thread) => thread.scrollTo(0, 0));
      await expect(app.page.locator('[data-turn="0"]')).toHaveClass(/unread/u);
    });
  }

  test('a long prompt shows how much of it was processed, and how long the rest takes', async ({ app }) => {
    const chat = await openChatModel(app, 2048, 4);
    // Most of the window, so that a fast computer takes a while, too.
    await chat.send(`Which number is missing? ${Array.from({ length: 380 }, (_, index) => index + 1).join(', ')}`);
    const progress = /processing the prompt: [\d,]+ of [\d,]+, \d+\s(s|min) left/u;
    await clickWhen(app.page, { 'reply-stats': progress }, 'stop', 120_000);
    await expect(chat.lastStop).toBeVisible();
  });

  test('a new chat begins with a summary of the full one', async ({ app }) => {
    const chat = await openChatModel(app, WINDOW, 400);
    await chat.id('system-prompt-toggle').click();
    await chat.id('system-prompt').fill('Answer in English.');
    await chat.set('ignoreEos', true);
    await chat.set('repetitionWindow', 0);
    await chat.set('maxTokens', 500);
    await chat.send('My name is Ada and I live in Paris. What can I see there?');
    await expect(chat.lastStop).toHaveAttribute('data-reason', 'context_full', { timeout: 180_000 });
    await chat.set('ignoreEos', false);
    await chat.id('full-summary').click();
    await expect(chat.id('full-cancel')).toBeVisible();
    await expect(chat.replies).toHaveCount(0, { timeout: 180_000 });
    const prompt = chat.id('system-prompt');
    if (!(await prompt.isVisible())) await chat.id('system-prompt-toggle').click();
    await expect(prompt).toHaveValue(/^Answer in English\.\n\nSummary of (the end of )?an earlier chat: \S/);
    await expect(prompt).toHaveValue(/Paris|Ada/);
    await chat.set('maxTokens', 12);
    await chat.openPanel('context');
    await chat.send('Where do I live?');
    await expect(chat.lastStop).toBeVisible({ timeout: 120_000 });
    await expectEngineCount(app, chat, WINDOW);

    // How it was made is another version of the first message, with a receipt.
    const message = chat.id('user-turn').first();
    await message.getByRole('button', { name: 'Previous version' }).click();
    await expect(message).toContainText('Summarise this conversation in a few sentences.');
    await chat.turnMenu(chat.lastReply, 'run-again');
    await expect(chat.id('receipt-result')).toHaveText('Identical', { timeout: 180_000 });
  });
});
