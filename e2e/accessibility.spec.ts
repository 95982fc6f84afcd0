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
    for (const tab of ['sampling', 'stop', 'context', 'rate'] as const) {
      await chat.openPanel(tab);
      await expectNoViolations(app.page, `panel ${tab}`);
    }
    await chat.newChat();
    await chat.send('the cat '.repeat(600).trim());
    await expect(chat.id('error-card')).toBeVisible();
    await expectNoViolations(app.page, 'error');
    await chat.id('nav-models').click();
    await expect(chat.id('model-card')).toBeVisible();
    await expectNoViolations(app.page, 'models');
  });
}
