import { ChatPage } from './pages/chat.ts';
import { expect, test } from './support/test.ts';

test('a whole conversation without a mouse', async ({ app }) => {
  const chat = new ChatPage(app.page);
  const { keyboard } = app.page;
  await chat.ready();
  await expect(chat.id('composer')).toBeFocused();
  await keyboard.type('Hello world');
  await keyboard.press('Shift+Enter');
  await keyboard.type('again');
  await expect(chat.id('composer')).toHaveValue('Hello world\nagain');
  await keyboard.press('Enter');
  await chat.finished();
  await expect(chat.id('user-turn')).toHaveCount(1);

  // T switches between text and tokens, but not while typing.
  await keyboard.press('Escape');
  await app.page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await keyboard.press('t');
  await expect(chat.lastReply.getByTestId('token').first()).toBeVisible();
  await keyboard.press('t');
  await expect(chat.lastReply.getByTestId('token')).toHaveCount(0);

  await keyboard.press('Control+n');
  await expect(chat.id('first-run')).toBeVisible();
  await keyboard.press('Control+3');
  await expect(chat.id('model-card')).toBeVisible();
  await keyboard.press('Control+1');
  await expect(chat.id('composer')).toBeVisible();
  // F6 cycles through the regions without getting stuck.
  const seen = new Set<string>();
  for (let i = 0; i < 6; i++) {
    await keyboard.press('F6');
    seen.add(
      await app.page.evaluate(
        () => document.activeElement?.closest('[data-region]')?.getAttribute('data-region') ?? '',
      ),
    );
  }
  expect(seen.size).toBeGreaterThanOrEqual(4);
});

test('sliders move with arrow keys and reset to their default', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.openPanel('sampling');
  const value = chat.id('setting-temperature');
  const slider = app.page.getByRole('slider', { name: /temperature/i });
  await slider.focus();
  const before = Number(await value.inputValue());
  await app.page.keyboard.press('ArrowRight');
  await expect.poll(async () => Number(await value.inputValue())).toBeGreaterThan(before);
  await app.page.keyboard.press('Delete');
  await expect(value).toHaveValue('0.80');
});

test('template, answer format and system prompt without a mouse', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  const { keyboard } = app.page;
  await chat.ready();
  await chat.id('system-prompt-toggle').focus();
  await keyboard.press('Enter');
  await expect(chat.id('system-prompt')).toBeFocused();
  const openAgain = async () => {
    await keyboard.press('Tab');
    await keyboard.press('Tab');
    await expect(chat.id('system-prompt-toggle')).toBeFocused();
    await keyboard.press('Enter');
    await expect(chat.id('system-prompt')).toBeFocused();
  };
  // One that stays empty takes no room in the thread.
  await keyboard.press('Escape');
  await expect(chat.id('composer')).toBeFocused();
  await openAgain();
  await keyboard.press('Shift+Tab');
  await expect(chat.id('system-prompt-toggle')).toBeFocused();
  await keyboard.press('Enter');
  await expect(chat.id('composer')).toBeFocused();
  await openAgain();
  await keyboard.type('Be brief.');
  await keyboard.press('Escape');
  await expect(chat.id('system-prompt-toggle')).toBeFocused();
  await expect(chat.id('system-prompt')).toHaveCount(0);
  await expect(chat.id('system-prompt-toggle')).toContainText('Be brief.');

  // Tabs and choices with arrow keys; a custom template opens its editor.
  await chat.openPanel('stop');
  await chat.id('panel-tab-stop').focus();
  await keyboard.press('ArrowRight');
  await chat.id('template-model').focus();
  await keyboard.press('ArrowDown');
  await expect(chat.id('template-plain')).toBeChecked();
  await keyboard.press('ArrowDown');
  await expect(chat.id('template-custom')).toBeChecked();
  await keyboard.press('Tab');
  await expect(chat.id('template-source')).toBeFocused();
  await keyboard.press('Control+a');
  await keyboard.type('{% if %}');
  await expect(chat.id('template-source-problem')).toContainText('Line 1, column');

  // The Tab key leaves the editor; the large one gives the focus back.
  const larger = app.page.getByRole('button', { name: 'Enlarge: Custom chat template' });
  await keyboard.press('Tab');
  await expect(larger).toBeFocused();
  await keyboard.press('Enter');
  await expect(chat.id('template-source-large')).toBeFocused();
  await keyboard.press('Escape');
  await expect(app.page.getByRole('dialog')).toHaveCount(0);
  await expect(larger).toBeFocused();
  await keyboard.press('Tab');
  await keyboard.press('Enter');
  await expect(chat.id('template-source')).toBeFocused();
});

test('reduced motion shows no motion', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  const { page } = app;
  await chat.ready();
  await chat.openPanel('sampling');
  const sliding = async () => {
    await chat.grip('top_k').focus();
    await page.keyboard.press('Space');
    const duration = await chat.stage('top_p').evaluate((row) => getComputedStyle(row).transitionDuration);
    await page.keyboard.press('Escape');
    return parseFloat(duration);
  };
  await page.emulateMedia({ reducedMotion: 'no-preference' });
  expect(await sliding()).toBeGreaterThan(0);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  expect(await sliding()).toBe(0);
  await chat.endless();
  await chat.send('Once upon a time');
  const caret = chat.lastReply.locator('.caret');
  // Looks again where the caret has just moved to another block.
  await expect(caret).toHaveCSS('animation-name', 'none');
  await chat.id('stop').click();
  await chat.finished();
});
