import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { capture, root } from '../scripts/lib/run.ts';
import type { StoredChat } from '../src-main/protocol/app/chats/chat.ts';
import { tinyGguf } from '../src-main/engine/test-support/tiny-gguf.ts';
import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import { expectNoViolations, expectNoViolationsIn } from './support/axe.ts';
import { clickWhen } from './support/click-when.ts';
import { writeBigModel, writeBrokenModel, writeEndlessModel, writeTinyModel } from './support/model-files.ts';
import { expect, test, type RunningApp } from './support/test.ts';

const PROMPT = 'Once upon a time';

test('a file is described before it is loaded, replies as in the terminal, and frees its memory', async ({
  app,
  dataDir,
}) => {
  const path = await writeTinyModel(dataDir);
  const terminal = capture(
    process.execPath,
    [
      join(root, 'scripts/tokenscope.mjs'),
      ...['run', PROMPT, '--chat', '--model', path, '--greedy', '--max-tokens', '24', '--json'],
    ],
    { env: { ...process.env, TOKENSCOPE_DATA_DIR: dataDir } },
  );
  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  await chat.ready();

  await models.open(path, () => app.page.keyboard.press('ControlOrMeta+o'));
  await expect(models.id('detail-name')).toHaveText('tiny-llama');
  await expect(models.id('architecture')).toContainText('Architecture llama');
  await expect(models.id('architecture')).toContainText('Trained context 512');
  await expect(models.id('quantisation-mix')).toContainText('F32 100 %');
  await expect(models.id('memory-estimate')).toContainText(/Weights, unpacked to F32 7\d\d\skB/);
  // Nothing is loaded before a person says so.
  await expect(models.card('TinyTransformer')).toContainText('Loaded');

  await models.id('context-size').fill('300');
  await models.id('context-size').press('Enter');
  const estimate = Number(await models.id('memory-estimate').getAttribute('data-total'));
  expect(await models.estimate('wasm')).toBe(estimate);
  expect(await models.estimate('webgpu')).toBeGreaterThan(700e3);
  await expect(models.id('executor-choice')).toContainText('Estimated memory for a context of 300 tokens');
  // Chosen for a model in memory only.
  await expect(models.id('executor-select')).toHaveCount(0);
  await models.load('tiny-llama');
  await expect(models.id('executor-select')).toBeVisible();
  // The memory matches the estimate, which is based on headers and may be off by 15 %.
  const held = await models.memoryInUse();
  expect(Math.abs(held - estimate)).toBeLessThan(0.15 * held);
  await expect(chat.id('context-meter')).toHaveAttribute('data-size', '300');

  await models.card('tiny-llama').getByTestId('use-model').click();
  await expect(chat.id('sidebar-model')).toContainText('tiny-llama');
  await expect(chat.id('first-run')).toContainText('tiny-llama runs on this computer');
  await chat.greedy();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 24);
  await chat.ask(PROMPT);
  const { code, stdout, stderr } = await terminal;
  expect(code, stderr).toBe(0);
  const expected = JSON.parse(stdout) as { reply: { text: string } };
  const stored = await storedChat(app);
  expect(stored.modelName).toBe('tiny-llama');
  expect(stored.turns[1]).toMatchObject({ text: expected.reply.text, facts: { model: 'tiny-llama' } });
  expect(Number(await chat.id('context-meter').getAttribute('data-used'))).toBeGreaterThan(24);

  await models.show();
  await models.card('tiny-llama').getByTestId('unload-model').click();
  await expect(chat.id('engine-state')).toHaveAttribute('data-state', 'empty');
  await expect(models.id('memory-estimate')).not.toContainText('in use');
  // The status bar has no figures of a model then.
  await expect(chat.id('context-meter')).toBeHidden();
  await expect(chat.id('executor')).toBeHidden();
  await chat.id('nav-chat').click();
  await expect(chat.id('model-notice')).toContainText(/No model is loaded\.\s*This chat used tiny-llama\./);
  await chat.id('composer').fill('Is anyone there?');
  // No model is loaded, so the only offer is to load one and then send.
  await expect(chat.id('load-and-send')).toHaveText(/Load tiny-llama and send/);
  await expect(chat.id('send')).toBeHidden();
  await expect(chat.id('send-with-loaded')).toBeHidden();
  await chat.id('notice-load').click();
  await expect(chat.id('send')).toBeEnabled();
  await expect(chat.id('model-notice')).toBeHidden();
});

test(
  'another model is loaded during a reply: the reply says so, and the chat names its first model',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    const path = await writeTinyModel(dataDir);
    const chat = new ChatPage(app.page);
    const models = new ModelsPage(app);
    await chat.ready();
    await chat.endless();
    await chat.send(PROMPT);
    await expect(chat.lastText).not.toBeEmpty();
    await models.show();
    await expect(models.id('reply-warning')).toContainText(
      `TinyTransformer is generating a reply in “${PROMPT}”. Loading another model or unloading this one stops it. The partial reply is saved.`,
    );
    await models.open(path);
    await models.load('tiny-llama');
    await expect(models.id('reply-warning')).toBeHidden();
    await expect(chat.id('toast')).toContainText('Reply stopped to load tiny-llama');
    await chat.id('nav-chat').click();
    await expect(chat.lastStop).toHaveAttribute('data-reason', 'user');
    await expect(chat.lastStop).toContainText(/Stopped after [\d,]+ tokens? to load tiny-llama/);
    await expect(chat.id('model-notice')).toContainText('This chat used TinyTransformer. tiny-llama is loaded now.');
    // Its tokens are not those of the other model.
    await expect(chat.id('context-meter')).toHaveAttribute('data-used', '0');

    await chat.openPanel('stop');
    await chat.set('maxTokens', 8);
    await chat.id('regenerate').click();
    await expect(chat.lastReply.getByTestId('reply-stats')).toContainText('by tiny-llama');
    await chat.finished();
    // The chat continues with the model that answered last.
    await expect(chat.id('model-notice')).toBeHidden();
    await models.show();
    await models.load('TinyTransformer');
    await chat.id('nav-chat').click();
    await expect(chat.id('model-notice')).toContainText('This chat used tiny-llama. TinyTransformer is loaded now.');
    await chat.id('notice-load').click();
    await expect(chat.id('sidebar-model')).toContainText('tiny-llama');
    await expect(chat.id('model-notice')).toBeHidden();
  },
);

test(
  'loading shows progress and can be cancelled; the previous model stays',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    const path = await writeBigModel(dataDir, 28);
    const chat = new ChatPage(app.page);
    const models = new ModelsPage(app);
    await chat.ready();
    await models.show();
    await models.open(path);
    await expect(models.card('Big')).toContainText('accepts token IDs only');
    await models.card('Big').getByTestId('load-model').click();
    // Both are there only while it is read.
    const texts = { 'load-progress': /Reading the file, \d+ of 9\d\d\sMB/, 'sidebar-model': /Big/ };
    await clickWhen(app.page, texts, 'cancel-load');
    await expect(models.card('Big')).toContainText('Ready');
    await expect(models.card('TinyTransformer')).toContainText('Loaded');
    await models.id('nav-chat').click();
    await chat.greedy();
    expect((await chat.ask('Hello world')).reason).toBe('eos');
  },
);

test('a model that cannot be loaded says why, before anything is loaded', async ({ app, dataDir }) => {
  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  await chat.ready();
  await models.show();
  await models.open(await writeBrokenModel(dataDir));
  const broken = models.card('broken');
  await expect(broken.getByTestId('model-problem')).toContainText(/broken.gguf is not a usable GGUF file/);
  await expect(broken.getByTestId('load-model')).toBeDisabled();

  await models.open(await writeEndlessModel(dataDir));
  const endless = models.card('Endless');
  await expect(endless.getByTestId('load-model')).toBeEnabled();
  await expect(models.id('detail-name')).toHaveText('Endless');
  await models.id('context-slider').press('End');
  await expect(endless).toContainText(/Needs [\d.]+\sTB more/);
  await expect(models.id('memory-problem')).toContainText(/A context of 134,217,728 tokens needs .*; .* is free/);
  await expect(endless.getByTestId('load-model')).toBeDisabled();
  await models.id('context-slider').press('Home');
  await expect(endless.getByTestId('load-model')).toBeEnabled();

  await models.menu('broken', 'remove-model');
  await expect(broken).toBeHidden();
  await models.id('undo').click();
  await expect(broken.getByTestId('model-problem')).toContainText(/broken.gguf is not a usable GGUF file/);
});

test('a dragged file highlights the window; dropping opens it', { tag: '@full' }, async ({ app, dataDir }) => {
  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  await chat.ready();
  const bytes = await tinyGguf('llama');
  await models.drag('story.gguf', bytes, ['dragenter']);
  await expect(models.id('drop-overlay')).toBeVisible();
  await models.drag('story.gguf', bytes, ['dragleave']);
  await expect(models.id('drop-overlay')).toBeHidden();
  // Nothing leaves an element that was removed under the pointer.
  await app.page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(['x'], 'story.gguf'));
    const drag = (type: string, target: Element) =>
      target.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
    const removed = document.body.appendChild(document.createElement('div'));
    drag('dragenter', removed);
    removed.remove();
    drag('dragenter', document.body);
    drag('dragleave', document.body);
  });
  await expect(models.id('drop-overlay')).toBeHidden();
  await models.drag('notes.txt', bytes, ['dragenter', 'drop']);
  await expect(chat.id('attach-problem')).toContainText('notes.txt is a model file');
  await models.drag('notes.bin', bytes, ['dragenter', 'drop']);
  await expect(models.id('drop-overlay')).toBeHidden();
  await expect(models.id('open-error')).toContainText('Could not open');
  await models.drag('story.gguf', bytes, ['dragenter', 'drop']);
  if (app.host === 'electron') {
    // A file made by a script has no path, and the page cannot provide one.
    await expect(models.id('open-error')).toContainText('not a file on this computer');
    await expect(models.id('model-card')).toHaveCount(1);
    await models.dropFile(await writeTinyModel(dataDir));
  }
  await expect(models.card('tiny-llama')).toBeVisible();
  await expect(models.id('open-error')).toBeHidden();
  await models.load('tiny-llama');
  if (app.host === 'web') {
    await expect(models.id('detail')).toContainText('available until you close this page');
    // Without an extension, its first bytes count.
    await models.drag('other', bytes, ['dragenter', 'drop']);
    await expect(models.id('model-card')).toHaveCount(3);
  }
});

test(
  'opened models are restored after a restart, in hosts that know their paths',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    const path = await writeTinyModel(dataDir);
    const chat = new ChatPage(app.page);
    const models = new ModelsPage(app);
    await chat.ready();
    await models.open(path, () => chat.id('first-open').click());
    await models.load('tiny-llama');
    await models.id('nav-chat').click();
    await chat.openPanel('stop');
    await chat.set('maxTokens', 4);
    await chat.ask(PROMPT);

    await app.restart();
    const chatAgain = new ChatPage(app.page);
    await chatAgain.ready();
    const notice = chatAgain.id('model-notice');
    if (app.host === 'web') {
      await expect(notice).toContainText('This chat used tiny-llama. TinyTransformer is loaded now.');
      await expect(notice).toContainText('tiny-llama is no longer on this computer, so TinyTransformer will answer.');
      return;
    }
    await expect(chatAgain.id('sidebar-model')).toContainText('tiny-llama');
    await expect(notice).toBeHidden();

    await rename(path, `${path}.moved`);
    await app.restart();
    await new ChatPage(app.page).ready();
    await expect(models.id('model-notice')).toContainText('This chat used tiny-llama. TinyTransformer is loaded now.');
    await models.show();
    const gone = models.card('llama');
    await expect(gone.getByTestId('model-problem')).toContainText('no longer exists');
    await expect(gone.getByTestId('load-model')).toBeHidden();
    await gone.getByTestId('remove-model').click();
    await expect(gone).toBeHidden();
    expect(await app.services.invoke('modelsList')).toHaveLength(1);
  },
);

test(
  'no violation on the models page with every kind of card, in any theme',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    const chat = new ChatPage(app.page);
    const models = new ModelsPage(app);
    await chat.ready();
    await models.show();
    await models.open(await writeBrokenModel(dataDir));
    await expect(models.card('broken').getByTestId('model-problem')).toBeVisible();
    await models.open(await writeEndlessModel(dataDir));
    await expect(models.card('Endless').getByTestId('load-model')).toBeEnabled();
    await expect(models.id('detail-name')).toHaveText('Endless');
    await models.id('context-slider').press('End');
    await expect(models.id('memory-problem')).toBeVisible();
    await expectNoViolations(app.page, 'models');
    await expectNoViolationsIn(['light', 'dark', 'contrast'], app.page, 'models');
    await models.drag('story.gguf', new Uint8Array(1), ['dragenter']);
    await expect(models.id('drop-overlay')).toBeVisible();
    await expectNoViolations(app.page, 'drop overlay');
    await expectNoViolationsIn(['light', 'dark', 'contrast'], app.page, 'drop overlay');
  },
);

async function storedChat(app: RunningApp): Promise<StoredChat> {
  const read = async () => {
    const [latest] = await app.services.invoke('chatsList');
    return latest === undefined ? null : await app.services.invoke('chatGet', latest.id);
  };
  // The end of a reply is stored a moment after its text is complete.
  await expect
    .poll(async () => (await read())?.turns.at(-1))
    .toMatchObject({ facts: { stop: { reason: expect.anything() } } });
  return (await read())!;
}
