import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import type { RunningApp } from './support/app.ts';
import { expectNoViolations as expectNone, THEMES, type AxeTheme } from './support/axe.ts';
import { writeChatModel } from './support/model-files.ts';
import { expect, test } from './support/test.ts';

/** Enables reasoning, and omits the system prompt. */
const THINKING = `{% for m in messages %}{% if m.role != 'system' %}<{{ m.role }}>{{ m.content }}{% endif %}{% endfor %}
<assistant><think>{% if enable_thinking is defined and not enable_thinking %}</think>{% endif %}`;

/** The full run has every theme, in both hosts. */
const RUNS: readonly AxeTheme[] = process.env.TOKENSCOPE_TEST_FULL === '1' ? THEMES : ['light'];

for (const theme of RUNS) {
  test(`no violation on the main views, ${theme}`, async ({ app }) => {
    const { chat, expectNoViolations } = await chatIn(theme, app);
    await expectNoViolations('settings');
    await app.page.keyboard.press('Escape');
    await expectNoViolations('first run');

    await chat.greedy();
    await chat.ask('Hello world');
    await expectNoViolations('chat as text');
    await chat.id('view-tokens').click();
    await chat.lastReply.getByTestId('token').nth(1).hover();
    await expect(chat.id('token-popover')).toBeVisible();
    await expectNoViolations('chat as tokens, with the popover');
    await app.page.mouse.move(0, 0);
    await chat.openPanel('sampling');
    await expectNoViolations('panel sampling');
    await chat.id('nav-models').click();
    await expect(chat.id('model-card')).toBeVisible();
    await expectNoViolations('models');
    await chat.id('nav-tokenizer').click();
    await chat.id('tokenizer-bos').check();
    await chat.id('tokenizer-special').check();
    await chat.id('tokenizer-text').fill('Hello,\u200b wörld 日本!\n<EOS>');
    await chat.id('piece').nth(1).hover();
    await expect(chat.id('piece-detail')).toContainText('ID');
    await expectNoViolations('tokenizer');
  });

  test(`no violation on panels, a long message and empty views, ${theme}`, { tag: '@full' }, async ({ app }) => {
    const { chat, expectNoViolations } = await chatIn(theme, app);
    await app.page.keyboard.press('Escape');
    await chat.greedy();
    await chat.ask('Hello world');
    for (const tab of ['stop', 'prompt', 'context', 'rate'] as const) {
      await chat.openPanel(tab);
      await expectNoViolations(`panel ${tab}`);
    }
    await chat.newChat();
    await chat.id('composer').fill('the cat '.repeat(600).trim());
    await expect(chat.id('too-long')).toBeVisible();
    await expectNoViolations('a message that is too long');
    await chat.id('composer').fill('');
    await chat.id('nav-tokenizer').click();
    await expectNoViolations('tokenizer, empty');
  });

  test(`no violation on stages, answer formats and templates, ${theme}`, { tag: '@full' }, async ({ app }) => {
    const { chat, expectNoViolations } = await chatIn(theme, app);
    await app.page.keyboard.press('Escape');
    await chat.openPanel('sampling');
    for (const [setting, value] of [
      ['repeatPenalty', 1.1],
      ['dryMultiplier', 0.8],
      ['xtcProbability', 0.5],
    ] as const) {
      await chat.set(setting, value);
    }
    await chat.id('setting-bannedTexts').fill('a phrase');
    await chat.id('setting-bannedTexts').press('Enter');
    await chat.id('setting-logitBias').fill('cat');
    await chat.id('bias-add').click();
    await chat.id('bias-by-id').click();
    await chat.id('setting-logitBias').fill('none');
    await chat.id('unfold-temperature').click();
    await chat.stageMenu('top_k', 'stage-again');
    await chat.id('grammar-gbnf').click();
    await chat.id('grammar-source').fill('root ::= other');
    await expect(chat.id('grammar-source-problem')).toBeVisible();
    await expectNoViolations('every stage on, a wrong grammar and a wrong bias');
    await app.page.getByRole('button', { name: 'Enlarge: Grammar' }).click();
    await expectNoViolations('the large editor');
    await app.page.keyboard.press('Escape');
    await expect(app.page.getByRole('dialog')).toHaveCount(0);
    await chat.id('grammar-json_schema').click();
    await expect(chat.id('grammar-ok')).toBeVisible();
    await chat.grip('top_k').focus();
    await app.page.keyboard.press('Space');
    await app.page.keyboard.press('ArrowUp');
    await expectNoViolations('a stage that is lifted, a JSON schema');
    await app.page.keyboard.press('Escape');
    await chat.id('grammar-none').click();
    await chat.stage('top_k').getByTestId('stage-menu').click();
    await expectNoViolations('the menu of a stage');
    await app.page.keyboard.press('Escape');
    await chat.id('setting-mirostat-1').click();
    await chat.openPanel('prompt');
    await chat.id('template-custom').check();
    await chat.id('system-prompt-toggle').click();
    await chat.id('composer').fill('Hello');
    await expect(chat.id('rendered-chat')).toBeVisible();
    await expectNoViolations('one’s own template, with the system prompt');
    await chat.id('template-model').check();
  });

  test(`no violation on what a model with a template shows, ${theme}`, { tag: '@full' }, async ({ app, dataDir }) => {
    const { chat, expectNoViolations } = await chatIn(theme, app);
    await app.page.keyboard.press('Escape');
    const models = new ModelsPage(app);
    await models.show();
    await models.open(await writeChatModel(dataDir, THINKING));
    await models.load('tiny-llama');
    await chat.id('nav-chat').click();
    await chat.id('system-prompt-toggle').click();
    await chat.id('system-prompt').fill('Be brief.');
    await chat.openPanel('sampling');
    await chat.id('grammar-gbnf').click();
    await chat.id('grammar-source').fill('root ::= "hm" "</think>" "yes"');
    await expect(chat.id('grammar-ok')).toBeVisible();
    await expectNoViolations('what a model recommends, a grammar in order');
    await chat.openPanel('prompt');
    await chat.id('composer').fill('Hello');
    await expect(chat.id('template-notice').first()).toBeVisible();
    await expectNoViolations('the template of a file, with what it leaves out');
    await chat.ask('Hello');
    await expectNoViolations('folded reasoning');
    await chat.lastReply.getByTestId('reasoning-toggle').click();
    await expectNoViolations('reasoning');
    await chat.id('view-tokens').click();
    await expectNoViolations('reasoning as tokens');
    await chat.id('view-text').click();
    await chat.id('template-custom').check();
    await chat.id('template-source').fill('{% if %}');
    await expect(chat.id('template-error')).toBeVisible();
    await expectNoViolations('a broken template');
    await chat.send('Hello');
    await expect(chat.id('error-card')).toBeVisible();
    await expectNoViolations('a chat that the template refuses');
  });
}

// A page of 1280 by 1024 px, zoomed to 400 %.
test(
  'at 320 by 256 px, all of the message box can be reached, and the thread is seen',
  { tag: '@full' },
  async ({ app }) => {
    const { page } = app;
    const chat = await new ChatPage(page).readyForShortReplies();
    await chat.ask('Hello');
    await page.setViewportSize({ width: 320, height: 256 });
    await new ModelsPage(app).drag('note.txt', Buffer.from('A note.'), ['dragenter', 'drop']);
    await expect(chat.id('attached-file')).toHaveCount(1);
    const box = chat.id('composer');
    await box.fill(Array.from({ length: 10 }, (_, at) => `Line ${at + 1}`).join('\n'));
    await box.press('Control+End');
    await page.keyboard.type('!');
    const isLastLineSeen = () =>
      box.evaluate((element) => {
        const { left, top } = element.getBoundingClientRect();
        const { paddingBottom, lineHeight } = getComputedStyle(element);
        const fromTop = element.scrollHeight - parseFloat(paddingBottom) - parseFloat(lineHeight) / 2;
        const y = top + element.clientTop + fromTop - element.scrollTop;
        return document.elementFromPoint(left + 40, y) === element;
      });
    await expect.poll(isLastLineSeen).toBe(true);
    await expect(chat.id('attached-remove')).toBeEnabled();
    const thread = page.locator('[data-region="thread"]');
    for (const id of ['attached-remove', 'attach', 'send']) {
      await chat.id(id).scrollIntoViewIfNeeded();
      await expect(chat.id(id)).toBeInViewport({ ratio: 0.9 });
      expect((await thread.boundingBox())!.height, id).toBeGreaterThanOrEqual(40);
      expect((await thread.boundingBox())!.y, id).toBeGreaterThanOrEqual(40);
    }
    await chat.id('send').click();
    await expect(chat.id('user-turn')).toHaveCount(2);
    await chat.finished();
  },
);

/** The app in a theme, with the settings still open. */
async function chatIn(theme: AxeTheme, { page }: RunningApp) {
  const chat = new ChatPage(page);
  await chat.ready();
  await chat.id('open-settings').click();
  await chat.id('theme-select').selectOption(theme);
  await expect(page.locator('html')).toHaveAttribute('data-theme', theme);
  return { chat, expectNoViolations: (view: string) => expectNone(page, view) };
}
