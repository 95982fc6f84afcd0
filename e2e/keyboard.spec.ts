import type { Locator } from '@playwright/test';
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

  // Browsers keep Control and N for themselves.
  await keyboard.press(app.host === 'electron' ? 'Control+n' : 'Control+Shift+O');
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

test('the focus is in the view that was gone to, and after a toast where it was', { tag: '@full' }, async ({ app }) => {
  const { page } = app;
  const chat = await new ChatPage(page).readyForShortReplies();
  const { keyboard } = page;
  await chat.ask('The cat sat');
  await chat.ask('Then it');
  await chat.id('composer').focus();
  await keyboard.press('Control+3');
  await expect(page.getByRole('heading', { name: 'On this computer' })).toBeFocused();
  await expect(page).toHaveTitle('Models · Tokenscope');
  await keyboard.press('Control+4');
  await expect(chat.id('tokenizer-text')).toBeFocused();
  await expect(page).toHaveTitle('Tokenizer · Tokenscope');
  await keyboard.press('Control+5');
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused();
  await expect(page).toHaveTitle('Inside · Tokenscope');
  await keyboard.press('Control+2');
  await expect(page.getByTestId('compare-prompt')).toBeFocused();
  await expect(page).toHaveTitle('Compare · Tokenscope');
  await keyboard.press('Control+1');
  await expect(chat.id('composer')).toBeFocused();
  await expect(page).toHaveTitle('The cat sat · Tokenscope');

  const thread = page.locator('section[data-region="thread"]');
  await chat.lastReply.focus();
  await keyboard.press('Delete');
  await expect(chat.replies).toHaveCount(1);
  await expect(thread).toBeFocused();
  await chat.id('user-turn').last().focus();
  await keyboard.press('Delete');
  await expect(chat.id('user-turn')).toHaveCount(1);
  await expect(thread).toBeFocused();
  await expect(chat.id('toast')).toHaveCount(2);
  // To the next toast, then to where it came from.
  await page.getByRole('button', { name: 'Dismiss' }).first().focus();
  await keyboard.press('Enter');
  await expect(chat.id('toast')).toHaveCount(1);
  await expect(chat.id('toast')).toBeFocused();
  await keyboard.press('Tab');
  await expect(chat.id('undo')).toBeFocused();
  await keyboard.press('Enter');
  await expect(chat.id('user-turn')).toHaveCount(2);
  await expect(chat.id('toast')).toHaveCount(0);
  await expect(thread).toBeFocused();
});

test('what is typed after a click on Send or Stop is text', async ({ app }) => {
  const chat = new ChatPage(app.page);
  const { keyboard } = app.page;
  const composer = chat.id('composer');
  await chat.ready();
  await chat.endless();
  await chat.send('Once upon a time');
  await expect(composer).toBeFocused();
  await expect(chat.lastText).not.toBeEmpty();
  await expect(composer).toBeFocused();
  await keyboard.type('tea');
  await expect(composer).toHaveValue('tea');
  await expect(chat.lastReply.getByTestId('token')).toHaveCount(0);
  await chat.id('stop').click();
  await chat.finished();
  await expect(composer).toBeFocused();
  await keyboard.type('s');
  await expect(composer).toHaveValue('teas');

  // By keyboard, too: Stop has the focus, and goes away.
  await chat.send('And then');
  await expect(chat.lastText).not.toBeEmpty();
  await chat.id('stop').focus();
  await keyboard.press('Escape');
  await chat.finished();
  await expect(composer).toBeFocused();
});

test('keys of an input method are no commands', { tag: '@full' }, async ({ app }) => {
  const chat = await new ChatPage(app.page).readyForShortReplies();
  const { keyboard } = app.page;
  const compose = async (field: Locator, key: string) => {
    const init = { key, isComposing: true, bubbles: true, cancelable: true };
    await field.evaluate((element, event) => element.dispatchEvent(new KeyboardEvent('keydown', event)), init);
  };
  await chat.id('chat-search').fill('x');
  await compose(chat.id('chat-search'), 'Escape');
  await expect(chat.id('chat-search')).toHaveValue('x');
  await chat.id('chat-search').press('Escape');
  await expect(chat.id('chat-search')).toHaveValue('');

  await keyboard.press('Control+k');
  await compose(chat.id('palette-input'), 'Escape');
  await compose(chat.id('palette-input'), 'Enter');
  await expect(chat.id('palette')).toHaveAttribute('data-state', 'open');
  await keyboard.press('Escape');
  await expect(chat.id('palette')).toHaveCount(0);
  await chat.id('open-settings').click();
  await compose(chat.id('settings'), 'Escape');
  await expect(chat.id('settings')).toHaveAttribute('data-state', 'open');
  await keyboard.press('Escape');
  await expect(chat.id('settings')).toHaveCount(0);

  // The arrow keys of the thread do not apply to the system prompt in it.
  await chat.ask('Hello');
  await chat.id('system-prompt-toggle').click();
  const prompt = chat.id('system-prompt');
  await prompt.fill('Be brief.\nBe kind.');
  for (const key of ['ArrowUp', 'Escape']) await compose(prompt, key);
  await expect(prompt).toBeFocused();
  await prompt.press('ArrowUp');
  await expect(prompt).toBeFocused();

  await chat.endless();
  await chat.send('Once upon a time');
  await expect(chat.lastText).not.toBeEmpty();
  await compose(chat.id('composer'), 'Escape');
  await expect(chat.id('stop')).toBeEnabled();
  await chat.id('composer').press('Escape');
  expect((await chat.finished()).reason).toBe('user');
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
