/** The webgpu executor in the browser, on Chromium's software adapter. */
import { ChatPage } from './pages/chat.ts';
import { ComparePage } from './pages/compare.ts';
import { ModelsPage } from './pages/models.ts';
import { expect, test } from './support/test.ts';

/** Greedy, the same on every executor. */
const REPLY = '! How are you?';
/** Compiling the shaders takes the software adapter many seconds. */
const COMPILE_MS = 240_000;

test('a lane on the GPU gives the same greedy text', { tag: '@full' }, async ({ app }) => {
  test.setTimeout(60_000 + COMPILE_MS);
  const compare = new ComparePage(app.page);
  await new ChatPage(app.page).ready();
  await compare.showTwoExecutors('webgpu');
  await compare.compare('Once upon a time', COMPILE_MS);
  await expect(compare.id('lane-stop')).toHaveCount(2);
  await expect(compare.id('same-as').nth(1)).toHaveText(/^all \d+$/);
});

test(
  'a chat stays when its model moves to the GPU, and gets the same greedy reply',
  { tag: '@full' },
  async ({ app }) => {
    test.setTimeout(60_000 + COMPILE_MS);
    const chat = new ChatPage(app.page);
    const models = new ModelsPage(app);
    await chat.ready();
    await chat.greedy();
    await chat.openPanel('stop');
    await chat.set('maxTokens', 5);
    expect(await chat.ask('Hello world')).toEqual({ text: REPLY, reason: 'max_tokens' });

    await models.show();
    await models.select('TinyTransformer');
    await models.id('executor-select').selectOption('webgpu');
    await expect(models.id('detail')).toContainText('GPU, webgpu executor', { timeout: COMPILE_MS });
    await app.page.getByTestId('nav-chat').click();
    await expect(chat.lastText).toHaveText(REPLY);
    await expect(app.page.getByTestId('executor')).toContainText('webgpu executor');
    await chat.newChat();
    expect(await chat.ask('Hello world')).toEqual({ text: REPLY, reason: 'max_tokens' });
  },
);
