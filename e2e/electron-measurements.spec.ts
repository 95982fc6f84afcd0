/** The app's measurements of the computer are stored in the data folder. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import { expect, test, type RunningApp } from './support/test.ts';

async function showModel(app: RunningApp): Promise<ModelsPage> {
  const models = new ModelsPage(app);
  await new ChatPage(app.page).ready();
  await models.show();
  await models.select('TinyTransformer');
  return models;
}

// The shared app keeps its measurements from test to test.
test.use({ freshApp: true });

test(
  'a second start does not measure again, unless the file is damaged',
  { tag: ['@alone', '@full'] },
  async ({ app, dataDir }) => {
    const path = join(dataDir, 'measurements.json');
    let models = await showModel(app);
    test.skip((await threadsOf(models)) < 2, 'This machine runs one thread at a time: there is nothing to measure.');
    await expect(models.id('detail')).toContainText(/Threads: measured: one token takes [\d.]+ ms on \d+ threads/);
    // Under load, it takes more than one attempt until the measurement is clear.
    const kept = async () => await readFile(path, 'utf8').catch(() => '');
    const isClear = async () => {
      for (const end = Date.now() + 30_000; Date.now() < end;) {
        if ((await kept()).includes('threads')) return true;
        await models.card('TinyTransformer').getByTestId('unload-model').click();
        await models.load('TinyTransformer');
      }
      return false;
    };
    test.skip(!(await isClear()), 'One and two threads took the same time in every try: there is nothing to keep.');
    const before = await kept();

    await app.restart();
    models = await showModel(app);
    await expect(models.id('detail')).toContainText(
      /Threads: measured earlier on this computer: one token takes [\d.]+ ms on \d+ threads/,
    );
    expect(await kept()).toBe(before);

    await writeFile(path, before.slice(0, -5));
    await app.restart();
    models = await showModel(app);
    await expect(models.id('detail')).toContainText(/Threads: measured: one token takes/);
  },
);

async function threadsOf({ app }: ModelsPage): Promise<number> {
  return await app.page.evaluate(() => navigator.hardwareConcurrency);
}
