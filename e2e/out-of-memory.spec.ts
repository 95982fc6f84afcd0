/** Models that do not fit in memory: the numbers are shown, and the current model stays. */
import { stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import { limitEngineMemory } from './support/memory.ts';
import { writeHugeModel, writeLongModel } from './support/model-files.ts';
import { expect, test, type RunningApp } from './support/test.ts';

async function open(app: RunningApp, path: string): Promise<{ chat: ChatPage; models: ModelsPage }> {
  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  await chat.ready();
  await models.show();
  await models.open(path);
  return { chat, models };
}

async function expectReply(chat: ChatPage): Promise<void> {
  await chat.id('nav-chat').click();
  await chat.newChat();
  await chat.greedy();
  expect(await chat.ask('Hello world')).toEqual({ text: expect.stringContaining('! How are you?'), reason: 'eos' });
}

test(
  'a model larger than the memory of the computer is refused with the numbers, without being read',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    const path = await writeHugeModel(dataDir, 1.2 * totalmem());
    const { size, blocks } = await stat(path);
    expect(size).toBeGreaterThan(totalmem());
    // Blocks of 512 bytes.
    expect(512 * blocks).toBeLessThan(1e6);
    const { chat, models } = await open(app, path);
    const huge = models.card('Huge');
    await expect(huge).toContainText(/Needs [\d.]+\s[GT]B more/);
    await expect(huge.getByTestId('model-problem')).toContainText(
      /A context of 512 tokens needs [\d.]+\s[GT]B; [\d.]+\s[GT]B is free/,
    );
    await expect(huge.getByTestId('load-model')).toBeDisabled();
    await expect(models.card('TinyTransformer')).toContainText('Loaded');
    await expectReply(chat);
  },
);

test('a failed allocation is an error with the numbers, and the previous model answers', async ({ app, dataDir }) => {
  test.skip(process.platform !== 'linux', 'Only Linux limits the memory of a process that runs.');
  const { chat, models } = await open(app, await writeLongModel(dataDir));
  const long = models.card('tiny-llama');
  await expect(long).toContainText('Ready');
  // K and V of 1.6 GB, which fit according to the headers and the free memory.
  await models.id('context-size').fill(String(2 ** 21));
  await models.id('context-size').press('Enter');
  await expect(long.getByTestId('load-model')).toBeEnabled();
  const lift = await limitEngineMemory(app, 400e6);
  await long.getByTestId('load-model').click();
  await expect(long.getByTestId('model-problem')).toContainText(
    /Not enough memory\s*Out of memory for the model with a context of 2097152 tokens: 1\.6\d\sGB are needed, but the system has less free/,
  );
  await expect(models.card('TinyTransformer')).toContainText('Loaded');
  await expectReply(chat);

  await lift();
  await models.show();
  await models.load('tiny-llama');
});
