/** Tests of a file share an app that is reset between them: afterwards it must equal a fresh one. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import { writeTinyModel } from './support/model-files.ts';
import { expect, test, type RunningApp } from './support/test.ts';

// In order, and in one worker, as Playwright runs the tests of a file.
let fresh: Awaited<ReturnType<typeof stateOf>>;
let usedPid = 0;

test.describe('with a separate app', () => {
  test.use({ freshApp: true });
  test('the state of a fresh app', { tag: '@full' }, async ({ app }) => {
    fresh = await stateOf(app);
    expect(fresh.chats).toEqual([]);
    expect(fresh.models).toHaveLength(1);
  });
});

test('a test that leaves everything changed', { tag: '@full' }, async ({ app, dataDir }) => {
  usedPid = app.pid;
  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  await chat.ready();
  await models.open(await writeTinyModel(dataDir), () => app.page.keyboard.press('ControlOrMeta+o'));
  await models.load('tiny-llama');
  await chat.id('open-settings').click();
  await chat.id('theme-select').selectOption('contrast');
  await app.page.keyboard.press('Escape');
  await chat.id('nav-tokenizer').click();
  await chat.id('tokenizer-text').fill('a cat');
  await chat.id('nav-chat').click();
  await chat.id('system-prompt-toggle').click();
  await chat.id('system-prompt').fill('Be brief.');
  await chat.openPanel('stop');
  await chat.set('maxTokens', 8);
  await chat.openPanel('sampling');
  await chat.set('topK', 5);
  await chat.stageMenu('top_p', 'stage-remove');
  await chat.ask('The cat');
  await chat.newChat();
  await chat.endless();
  await app.page.emulateMedia({ reducedMotion: 'reduce' });
  await app.services.invoke('settingsSet', {
    downloads: { proxy: 'http://127.0.0.1:9', mirror: 'https://hub.invalid' },
  });
  await app.electron?.evaluate(async ({ BrowserWindow, clipboard, dialog }) => {
    await clipboard.writeText('something');
    dialog.showOpenDialog = () => Promise.reject(new Error('a dialog of the test before'));
    const [window] = BrowserWindow.getAllWindows();
    window?.webContents.setZoomLevel(2);
    window?.setSize(700, 700);
  });
  await writeFile(join(dataDir, 'something'), '');
  // During a reply, with text in the composer.
  await chat.send('Once upon a time');
  await expect(chat.lastText).not.toBeEmpty();
  await chat.id('composer').fill('more');
});

test('is followed by an app like a fresh one, and it is the same process', { tag: '@full' }, async ({ app }) => {
  expect(app.pid).toBe(usedPid);
  expect(await stateOf(app)).toEqual(fresh);
});

/** The complete visible state of an app, without numbers that depend on time. */
async function stateOf(app: RunningApp) {
  const { page, services, dataDir, electron } = app;
  const chat = new ChatPage(page);
  await chat.ready();
  const views: Record<string, string> = {};
  const see = async (name: string) => (views[name] = await shown(app));
  // Results of engine requests arrive a moment later.
  await expect(chat.id('next-token')).toContainText('can be picked');
  await see('chat');
  await chat.openPanel('stop');
  await expect(page.getByText('End token: <EOS>')).toBeVisible();
  await see('panel stop');
  for (const tab of ['prompt', 'context', 'rate'] as const) {
    await chat.openPanel(tab);
    await see(`panel ${tab}`);
  }
  await chat.openPanel('sampling');
  await expect(chat.id('next-token')).toContainText('can be picked');
  await see('panel sampling');
  await chat.id('nav-models').click();
  await expect(chat.id('model-card')).toHaveCount(1);
  await expect(chat.id('architecture')).toBeVisible();
  await expect(chat.id('found')).not.toContainText('Looking into');
  await see('models');
  await chat.id('nav-tokenizer').click();
  await expect(chat.id('tokenizer-text')).toHaveValue('');
  await see('tokenizer');
  await chat.id('open-settings').click();
  await expect(chat.id('settings')).toContainText(join(dataDir, 'models'));
  await see('settings');
  await page.keyboard.press('Escape');
  return {
    views,
    url: page.url().replace(app.origin, ''),
    media: await page.evaluate(() => matchMedia('(prefers-reduced-motion: reduce)').matches),
    viewport: await page.evaluate(() => [innerWidth, innerHeight, devicePixelRatio]),
    // Each data folder has a key of its own.
    storage: await page.evaluate(() => {
      const { 'tokenscope-key': key, ...rest } = { ...localStorage, ...sessionStorage } as Record<string, string>;
      return { hasKey: key !== undefined, ...rest };
    }),
    chats: await services.invoke('chatsList'),
    models: (await services.invoke('modelsList')).map((model) => ({ ...model, lastUsedAt: null })),
    downloads: await services.invoke('downloadsList'),
    requests: await services.invoke('networkLog'),
    folder: (await services.invoke('modelsFolder')).isDefault,
    settings: await services.invoke('settingsGet'),
    files: (await readdir(dataDir)).filter((name) => !/^(settings|models|window|measurements)\.json/.test(name)).sort(),
    window: await electron?.evaluate(async ({ BrowserWindow, clipboard }) => ({
      count: BrowserWindow.getAllWindows().length,
      bounds: BrowserWindow.getAllWindows()[0]?.getBounds(),
      clipboard: await clipboard.readText(),
    })),
  };
}

/** The text of the page without measured or timed values, which differ between starts. */
async function shown({ page, dataDir }: RunningApp): Promise<string> {
  const text = await page.locator('body').innerText();
  return text
    .replaceAll(dataDir, 'DATA')
    .replace(/Threads:.*|Kernels:.*|Streams:.*|.*\b(free|GB)\b.*/g, '')
    .replace(/[\d.,]+\s(ms|s|tok\/s|MB|kB)\b/g, '# of a unit')
    .replace(/\d+ (for prefill|for decode|interleaved)/g, '# $1')
    .replace(/\d+-bit accumulators/g, '#-bit accumulators')
    .replace(/\n{2,}/g, '\n');
}
