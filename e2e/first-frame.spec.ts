/** What a window shows until the interface is loaded. */
import { ChatPage } from './pages/chat.ts';
import { expect, test } from './support/test.ts';

test('areas are drawn before the interface is loaded, where its parts will be', async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  const script = await app.page.addInitScript(() => {
    const drawn: DOMRect[] = [];
    Object.assign(window, { drawn });
    const look = (): void => {
      const frame = document.querySelector('.first-frame');
      if (frame !== null) drawn.push(frame.getBoundingClientRect());
      if (document.querySelector('header') === null) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
    // The interface is shown in a task of its own. It waits for a frame, which a busy computer draws late.
    const { setTimeout: later } = window;
    Object.assign(window, {
      setTimeout: (run: () => void, ms?: number) =>
        ms === undefined ? requestAnimationFrame(() => later(run)) : later(run, ms),
    });
  });
  await app.page.reload();
  // Other tests have the same page.
  await script.dispose();
  await chat.ready();
  const [frame, sidebar, title] = await app.page.evaluate(() => [
    (window as unknown as { drawn: DOMRect[] }).drawn.at(-1),
    document.querySelector('[data-region=sidebar]')?.getBoundingClientRect(),
    document.querySelector('header')?.getBoundingClientRect(),
  ]);
  expect(frame).toBeDefined();
  expect(frame?.left).toBe((sidebar?.right ?? 0) - 1);
  expect(frame?.top).toBe((title?.bottom ?? 0) - 1);
  await expect(app.page.locator('.first-frame')).toHaveCount(0);
});
