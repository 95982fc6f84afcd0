/** The model loaded at start, and how the empty chat adapts to it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { capture, root } from '../scripts/lib/run.ts';
import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import type { RunningApp } from './support/app.ts';
import { writeChatModel, writeTextModel } from './support/model-files.ts';
import { expect, test } from './support/test.ts';

const TEMPLATE = `{% for message in messages %}[{{ message.role }}]{{ message.content }}{% endfor %}`;

/** Adds a model to the library, from a path that both hosts can load. */
async function add(dataDir: string, path: string): Promise<void> {
  const command = [join(root, 'scripts/tokenscope.mjs'), 'models', 'add', path];
  const { code, stderr } = await capture(process.execPath, command, {
    env: { ...process.env, TOKENSCOPE_DATA_DIR: dataDir },
  });
  expect(code, stderr).toBe(0);
}

async function load(app: RunningApp, name: string): Promise<ChatPage> {
  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  await chat.ready();
  await models.show();
  await models.load(name);
  await chat.id('nav-chat').click();
  await chat.ready();
  return chat;
}

test('the last model loads at start; a missing one is reported, and the built-in one answers', async ({
  app,
  dataDir,
}) => {
  const path = await writeTextModel(dataDir);
  await add(dataDir, path);
  await load(app, 'tiny-llama');
  await expect.poll(async () => (await app.services.invoke('settingsGet')).lastModelId).toBe('text');

  await app.restart();
  let chat = new ChatPage(app.page);
  await chat.ready();
  await expect(chat.id('first-run')).toContainText('tiny-llama runs on this computer');
  await expect(chat.id('composer')).toHaveAttribute('placeholder', 'Start a text…');
  await expect(chat.id('app-notice')).toBeHidden();

  await rm(path);
  await app.restart();
  chat = new ChatPage(app.page);
  await chat.ready();
  await expect(chat.id('app-notice')).toContainText('could not be loaded');
  await expect(chat.id('app-notice')).toContainText('The built-in model was loaded instead.');
  await expect(chat.id('first-run')).toContainText('A small model comes with the app');
  expect((await chat.ask('Hello world')).reason).not.toBe('error');
});

test('text, placeholder and prompts match the loaded model', { tag: '@full' }, async ({ app, dataDir }) => {
  let chat = new ChatPage(app.page);
  await chat.ready();
  await expect(chat.id('first-run')).toContainText('turns the text you start into a short children’s story');
  await expect(chat.id('composer')).toHaveAttribute('placeholder', 'Start a story…');
  await expect(chat.id('try-prompt-3')).toContainText('Once upon a time');

  await add(dataDir, await writeChatModel(dataDir, TEMPLATE));
  await chat.id('nav-models').click();
  await chat.id('nav-chat').click();
  chat = await load(app, 'tiny-llama');
  await expect(chat.id('first-run')).toContainText('Ask it a question');
  await expect(chat.id('composer')).toHaveAttribute('placeholder', 'Message tiny-llama…');
  await expect(chat.id('try-prompt-2')).toContainText('What is the capital of France?');
  await chat.openPanel('prompt');
  await chat.id('template-plain').check();
  await expect(chat.id('first-run')).toContainText('The model continues it.');
  await chat.id('template-model').check();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 4);
  await chat.id('try-prompt-2').click();
  await expect(chat.id('user-turn')).toContainText('What is the capital of France?');
  await chat.finished();
  await expect(chat.id('composer')).toHaveAttribute('placeholder', 'Message tiny-llama…');
});
