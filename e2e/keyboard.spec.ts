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

  // T switches between text and tokens, but not while one types.
  await keyboard.press('Escape');
  await app.page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await keyboard.press('t');
  await expect(chat.lastReply.getByTestId('token').first()).toBeVisible();
  await keyboard.press('t');
  await expect(chat.lastReply.getByTestId('token')).toHaveCount(0);

  await keyboard.press('Control+n');
  await expect(chat.id('first-run')).toBeVisible();
  await keyboard.press('Control+2');
  await expect(chat.id('model-card')).toBeVisible();
  await keyboard.press('Control+1');
  await expect(chat.id('composer')).toBeVisible();
  // F6 walks the regions and never gets stuck.
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

test('sliders move by arrows and go back to their default', async ({ app }) => {
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
