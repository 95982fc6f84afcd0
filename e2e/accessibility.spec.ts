import { ChatPage } from './pages/chat.ts';
import { expectNoViolations } from './support/axe.ts';
import { expect, test } from './support/test.ts';

for (const theme of ['light', 'dark', 'contrast'] as const) {
  test(`no violation on any view, ${theme}`, async ({ app }) => {
    const chat = new ChatPage(app.page);
    await chat.ready();
    await chat.id('open-settings').click();
    await chat.id('theme-select').selectOption(theme);
    await expect(app.page.locator('html')).toHaveAttribute('data-theme', theme);
    await expectNoViolations(app.page, 'settings');
    await app.page.keyboard.press('Escape');
    await expectNoViolations(app.page, 'first run');

    await chat.greedy();
    await chat.ask('Hello world');
    await expectNoViolations(app.page, 'chat as text');
    await chat.id('view-tokens').click();
    await chat.lastReply.getByTestId('token').nth(1).hover();
    await expect(chat.id('token-popover')).toBeVisible();
    await expectNoViolations(app.page, 'chat as tokens, with the popover');
    await app.page.mouse.move(0, 0);
    for (const tab of ['sampling', 'stop', 'prompt', 'context', 'rate'] as const) {
      await chat.openPanel(tab);
      await expectNoViolations(app.page, `panel ${tab}`);
    }

    await chat.openPanel('sampling');
    await chat.set('greedy', false);
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
    await chat.id('grammar-gbnf').click();
    await chat.id('grammar-source').fill('root ::= other');
    await expect(chat.id('grammar-source-problem')).toBeVisible();
    await expectNoViolations(app.page, 'every stage on, a wrong grammar');
    await chat.id('grammar-none').click();
    await chat.stage('top_k').getByTestId('stage-menu').click();
    await expectNoViolations(app.page, 'the menu of a stage');
    await app.page.keyboard.press('Escape');
    await chat.id('setting-mirostat-1').click();
    await chat.openPanel('prompt');
    await chat.id('template-custom').check();
    await chat.id('system-prompt-toggle').click();
    await chat.id('composer').fill('Hello');
    await expect(chat.id('rendered-chat')).toBeVisible();
    await expectNoViolations(app.page, 'one’s own template, with the system prompt');
    await chat.id('template-model').check();

    await chat.newChat();
    await chat.send('the cat '.repeat(600).trim());
    await expect(chat.id('error-card')).toBeVisible();
    await expectNoViolations(app.page, 'error');
    await chat.id('nav-models').click();
    await expect(chat.id('model-card')).toBeVisible();
    await expectNoViolations(app.page, 'models');
    await chat.id('nav-tokenizer').click();
    await expectNoViolations(app.page, 'tokenizer, empty');
    await chat.id('tokenizer-bos').check();
    await chat.id('tokenizer-text').fill('Hello, wörld 日本!');
    await chat.id('piece').nth(1).hover();
    await expect(chat.id('piece-detail')).toContainText('Id');
    await expectNoViolations(app.page, 'tokenizer');
  });
}
