/** The names of controls, on hover and with the keyboard. */
import { ChatPage } from './pages/chat.ts';
import { expect, test } from './support/test.ts';

test('a tooltip shows on hover and with the keyboard, and follows its control', { tag: '@full' }, async ({ app }) => {
  const { page } = app;
  const chat = new ChatPage(page);
  await chat.ready();
  const tooltip = page.locator('.tooltip');
  const settings = chat.id('open-settings');
  await settings.hover();
  await expect(tooltip).toContainText('Settings');
  const [control, shown] = [(await settings.boundingBox())!, (await tooltip.boundingBox())!];
  expect(shown.y).toBeGreaterThanOrEqual(control.y + control.height);
  expect(Math.abs(shown.y - control.y - control.height)).toBeLessThan(12);

  // The next one shows at once, with its key.
  await chat.id('nav-compare').hover();
  await expect(tooltip).toHaveText(/^Compare\s+\S/);
  await page.mouse.move(400, 400);
  await expect(tooltip).toHaveCount(0);

  await chat.id('nav-chat').focus();
  await page.keyboard.press('Tab');
  await expect(tooltip).toContainText('Compare');
  await page.keyboard.press('Escape');
  await expect(tooltip).toHaveCount(0);

  // A click closes it, until the pointer comes back.
  await settings.hover();
  await expect(tooltip).toContainText('Settings');
  await settings.click();
  await expect(chat.id('settings')).toBeVisible();
  await expect(tooltip).toHaveCount(0);
  // In a dialog, too; Escape closes the dialog.
  await chat.id('settings').getByRole('button', { name: 'Close' }).hover();
  await expect(tooltip).toContainText('Close');
  await page.keyboard.press('Escape');
  await expect(chat.id('settings')).toBeHidden();
  // The focus is back at the control that opened it.
  await expect(tooltip).toContainText('Settings');
  await page.keyboard.press('Escape');
  await expect(tooltip).toHaveCount(0);

  // A dialog that opens focuses its first control, without the tooltip.
  await page.keyboard.press('?');
  await expect(chat.id('shortcuts').getByRole('button', { name: 'Close' })).toBeFocused();
  await expect(tooltip).toHaveCount(0);
  await page.keyboard.press('Escape');
  await expect(chat.id('shortcuts')).toBeHidden();
  await expect(tooltip).toContainText('Settings');
  await page.keyboard.press('Escape');
  await expect(tooltip).toHaveCount(0);

  // No tooltip behind an open menu.
  await chat.ask('Hello world');
  await chat.id('reply-menu').hover();
  await expect(tooltip).toContainText('More actions');
  await chat.id('reply-menu').click();
  await expect(page.getByRole('menu')).toBeVisible();
  await expect(tooltip).toHaveCount(0);
});
