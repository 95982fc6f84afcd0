/** The webgpu executor in the browser, on Chromium's software adapter. */
import { ChatPage } from './pages/chat.ts';
import { ComparePage } from './pages/compare.ts';
import { ModelsPage } from './pages/models.ts';
import { ADAPTER_MS } from './support/gpu-page.ts';
import { expect, test, type RunningApp } from './support/test.ts';

/** Greedy, the same on every executor. */
const REPLY = '! How are you?';
/** Compiling the shaders takes the software adapter many seconds. */
const COMPILE_MS = 240_000;

async function greedyChat(app: RunningApp, maxTokens: number): Promise<ChatPage> {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.greedy();
  await chat.openPanel('stop');
  await chat.set('maxTokens', maxTokens);
  return chat;
}

/** Loads the built-in model on the GPU, and returns to the chat. */
async function moveToGpu(chat: ChatPage, models: ModelsPage): Promise<void> {
  await models.show();
  await models.select('TinyTransformer');
  await models.id('executor-select').selectOption('webgpu');
  await expect(models.id('detail')).toContainText('GPU, webgpu executor', { timeout: COMPILE_MS });
  await chat.id('nav-chat').click();
}

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
    const chat = await greedyChat(app, 5);
    const models = new ModelsPage(app);
    expect(await chat.ask('Hello world')).toEqual({ text: REPLY, reason: 'max_tokens' });

    await moveToGpu(chat, models);
    await expect(chat.lastText).toHaveText(REPLY);
    await expect(app.page.getByTestId('executor')).toHaveText('GPU, webgpu executor');
    await chat.newChat();
    expect(await chat.ask('Hello world')).toEqual({ text: REPLY, reason: 'max_tokens' });
    await expect(chat.lastReply.getByTestId('reply-stats')).toContainText('on the GPU');
  },
);

test(
  'a reply continues on the CPU with the same text when the GPU process crashes',
  { tag: '@full' },
  async ({ app }) => {
    test.setTimeout(60_000 + COMPILE_MS);
    const chat = await greedyChat(app, 60);
    const models = new ModelsPage(app);
    const undisturbed = await chat.ask('Once upon a time');

    await moveToGpu(chat, models);
    await chat.newChat();
    await chat.send('Once upon a time');
    await expect(chat.lastText).toHaveText(/\w{3}/, { timeout: 30_000 });
    const browser = app.page.context().browser()!;
    const session = await browser.newBrowserCDPSession();
    await session.send('Browser.crashGpuProcess');
    expect(await chat.finished()).toEqual(undisturbed);
    await expect(chat.lastReply.getByTestId('reply-notice')).toHaveText(/^The GPU was lost/);
    await expect(app.page.getByTestId('executor')).toHaveText('CPU, wasm executor');
    await models.show();
    await expect(models.id('detail')).toContainText('CPU, wasm executor');
  },
);

test('a software renderer is not chosen, but can be', { tag: '@full' }, async ({ app }) => {
  test.setTimeout(60_000 + COMPILE_MS);
  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  await chat.ready();
  const status = app.page.getByTestId('executor');
  await expect(status).toHaveText('CPU, wasm executor');
  await expect(status).toHaveAttribute('title', /^The only GPU is a software renderer/, { timeout: ADAPTER_MS });
  await models.show();
  await models.select('TinyTransformer');
  const [select, reason] = [models.id('executor-select'), models.id('executor-reason')];
  await expect(select).toHaveValue('auto');
  await expect(reason).toHaveText(/^Uses the CPU\. The only GPU is a software renderer/);
  await select.selectOption('webgpu');
  await expect(models.id('detail')).toContainText('GPU, webgpu executor', { timeout: COMPILE_MS });
  await expect(models.id('detail')).toContainText('a software renderer, slower than the CPU');
  await expect(reason).toHaveCount(0);
  await expect(status).toHaveText('GPU, webgpu executor');
  expect(await models.estimate('webgpu')).toBe(await models.memoryInUse());
  await select.selectOption('auto');
  await expect(reason).toHaveText(/^Uses the CPU\. /);
  await expect(status).toHaveText('CPU, wasm executor');
});
