import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import type { RunningApp } from './support/app.ts';
import { writeTinyModel } from './support/model-files.ts';
import { expect, test } from './support/test.ts';

/** Loads a model that can generate whatever a grammar requires. */
async function byteModel(app: RunningApp, dataDir: string): Promise<ChatPage> {
  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  await chat.ready();
  await models.show();
  await models.open(await writeTinyModel(dataDir));
  await models.load('tiny-llama');
  await chat.id('nav-chat').click();
  await chat.openPanel('sampling');
  return chat;
}

test('an answer follows a JSON schema', async ({ app, dataDir }) => {
  const chat = await byteModel(app, dataDir);
  await chat.id('grammar-json_schema').click();
  // It starts with a valid example.
  await expect(chat.id('grammar-ok')).toBeVisible();
  await chat.id('grammar-source').fill('{ "enum": [17, 42] }');
  await expect(chat.id('grammar-ok')).toBeVisible();
  // Errors in JSON, and JSON that is not a schema, are shown at their position.
  await chat.id('grammar-source').fill('{\n  "enum": [17, }');
  await expect(chat.id('grammar-source-problem')).toContainText(/Line 2, column 1[567]/);
  await chat.id('grammar-source').fill('{\n  "type": "word" }');
  await expect(chat.id('grammar-source-problem')).toContainText('Line 2, column');
  await expect(chat.id('send-blocked')).toBeVisible();
  await chat.id('grammar-source').fill('{ "enum": [17, 42] }');
  await expect(chat.id('grammar-ok')).toBeVisible();
  const { text, reason } = await chat.ask('Once upon a time');
  expect(text).toMatch(/^(17|42)$/);
  expect(reason).toBe('eos');
});

test('a format is restored after a restart', { tag: '@full' }, async ({ app }) => {
  let chat = new ChatPage(app.page);
  await chat.ready();
  await chat.openPanel('sampling');
  await chat.id('grammar-json_schema').click();
  await chat.id('grammar-source').fill('{ "enum": [17, 42] }');
  await expect(chat.id('grammar-ok')).toBeVisible();
  await app.restart();
  chat = new ChatPage(app.page);
  await chat.ready();
  await chat.openPanel('sampling');
  await expect(chat.id('grammar-source')).toHaveValue('{ "enum": [17, 42] }');
});

test(
  'an invalid grammar is shown with its position and blocks messages',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    const chat = await byteModel(app, dataDir);
    await chat.id('grammar-gbnf').click();
    await chat.id('grammar-source').fill('root ::= item\nitem ::= "a" other');
    await expect(chat.id('grammar-source-problem')).toContainText('Line 2, column 14');
    await expect(chat.id('grammar-source')).toHaveAttribute('aria-invalid', 'true');

    await chat.id('composer').fill('Once');
    await expect(chat.id('send')).toBeDisabled();
    await expect(chat.id('send-blocked')).toContainText('The answer format has an error on line 2, column 14');
    await chat.id('composer').press('Enter');
    await expect(chat.replies).toHaveCount(0);

    // The position is a link.
    await chat.id('grammar-source-problem').getByRole('button').click();
    await expect(chat.id('grammar-source')).toBeFocused();
    const caret = await chat
      .id('grammar-source')
      .evaluate((area) => (area as HTMLTextAreaElement).value.slice((area as HTMLTextAreaElement).selectionStart));
    expect(caret).toBe('other');

    await chat.id('grammar-source').fill('root ::= "cat" | "dog"');
    await expect(chat.id('grammar-ok')).toBeVisible();
    await expect(chat.id('send')).toBeEnabled();
    expect((await chat.ask('Once')).text).toMatch(/^(cat|dog)$/);

    // Off and on again: the text is kept.
    await chat.id('grammar-none').click();
    await expect(chat.id('grammar-source')).toHaveCount(0);
    await chat.id('grammar-gbnf').click();
    await expect(chat.id('grammar-source')).toHaveValue('root ::= "cat" | "dog"');
    await chat.id('grammar-examples').click();
    await chat.id('grammar-example-1').click();
    await expect(chat.id('grammar-source')).toHaveValue(/yes/);
  },
);

test(
  'an engine that does not respond is reported as hanging, and the cause is not checked again automatically',
  { tag: '@full' },
  async ({ app }) => {
    let chat = new ChatPage(app.page);
    await chat.ready();
    await chat.openPanel('sampling');
    await chat.id('grammar-json_schema').click();
    await expect(chat.id('grammar-ok')).toBeVisible();
    // The page's requests no longer reach the engine, as if it were busy forever.
    await app.page.evaluate(() => {
      for (const { prototype } of [MessagePort, Worker]) {
        const send = prototype.postMessage as (...args: unknown[]) => void;
        prototype.postMessage = function (this: MessagePort | Worker, ...args: unknown[]) {
          if (document.documentElement.dataset['deaf'] !== 'true') send.apply(this, args);
        };
      }
      document.documentElement.dataset['deaf'] = 'true';
    });
    await chat.id('grammar-source').fill('{ "enum": [17, 42] }');
    await expect(chat.id('engine-state')).toHaveText('Not responding', { timeout: 30_000 });
    await app.page.evaluate(() => delete document.documentElement.dataset['deaf']);
    await expect(chat.id('executor')).toContainText('Engine not responding. Restart');
    await chat.id('executor').click();
    await expect(chat.id('engine-state')).toHaveAttribute('data-state', 'ready', { timeout: 60_000 });
    await expect(chat.id('grammar-retry')).toBeVisible();
    await expect(chat.id('send-blocked')).toContainText('did not respond');

    // The browser stores it per address, and a restarted host has another one.
    if (app.host === 'web') await app.page.reload();
    else await app.restart();
    chat = new ChatPage(app.page);
    await chat.ready();
    await chat.openPanel('sampling');
    await chat.id('grammar-retry').click();
    await expect(chat.id('grammar-ok')).toBeVisible();
  },
);
