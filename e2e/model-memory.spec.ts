/** Unloading a model frees its memory: measured from outside, in both hosts. */
import { join } from 'node:path';
import { reasonAgainstLargeModel, writeLargeModel } from '../src-main/hosts/node/test-support/large-model.ts';
import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import { engineMemory } from './support/memory.ts';
import { writeBigModel } from './support/model-files.ts';
import { expect, test } from './support/test.ts';

/** Bytes of the weights in `writeBigModel`; F16 stays F16 in memory. */
const WEIGHTS = 304e6;
/** Minimum that must be freed: the allocator keeps some pages. */
const RETURNED = 0.9 * WEIGHTS;

test('unloading a model frees its memory, every time', { tag: '@full' }, async ({ app, dataDir }) => {
  test.skip(process.platform !== 'linux', 'The memory of a process is read from /proc, which only Linux has.');
  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  await chat.ready();
  await models.show();
  await models.open(await writeBigModel(dataDir));
  for (let round = 0; round < 2; round++) {
    await models.load('Big');
    const loaded = await engineMemory(app);
    await models.card('Big').getByTestId('unload-model').click();
    await expect(chat.id('engine-state')).toHaveAttribute('data-state', 'empty');
    await expect.poll(() => engineMemory(app), { timeout: 20_000 }).toBeLessThan(loaded - RETURNED);
  }
});

test(
  'a model beyond 4 GiB answers, and unloading it frees its memory',
  { tag: ['@alone', '@full'] },
  async ({ app, dataDir }) => {
    test.setTimeout(600_000);
    const reason = await reasonAgainstLargeModel(dataDir);
    test.skip(reason !== null, reason ?? '');
    const chat = new ChatPage(app.page);
    const models = new ModelsPage(app);
    await chat.ready();
    const path = join(dataDir, 'large.gguf');
    await writeLargeModel(path);
    await models.show();
    await models.open(path);
    const large = models.card('Random weights, Q4_K_M');
    await expect(large).toContainText('Ready');
    const before = await engineMemory(app);
    await large.getByTestId('load-model').click();
    await expect(large).toContainText('Loaded', { timeout: 300_000 });
    await chat.id('nav-chat').click();
    await chat.openPanel('stop');
    await chat.set('ignoreEos', true);
    await chat.set('maxTokens', 3);
    await chat.send('Hello');
    await expect(chat.lastStop).toHaveAttribute('data-reason', 'max_tokens', { timeout: 120_000 });
    const taken = (await engineMemory(app)) - before;
    expect(taken).toBeGreaterThan(2 ** 32);
    await models.show();
    await large.getByTestId('unload-model').click();
    await expect(chat.id('engine-state')).toHaveAttribute('data-state', 'empty');
    await expect.poll(() => engineMemory(app), { timeout: 20_000 }).toBeLessThan(before + 0.1 * taken);
  },
);

test(
  'the model page shows the number of weight streams, with the reason',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    const chat = new ChatPage(app.page);
    const models = new ModelsPage(app);
    await chat.ready();
    await models.show();
    await models.select('TinyTransformer');
    await expect(models.id('detail')).toContainText('Streams: float32 weights always use 4 streams.');
    await models.open(await writeBigModel(dataDir));
    await models.load('Big');
    await models.select('Big');
    await expect(models.id('detail')).toContainText(/[28] interleaved/);
    await expect(models.id('detail')).toContainText(
      /Streams: measured(?: earlier on this computer)?: one token takes [\d.]+ ms with 8 streams, [\d.]+ ms with 2\./,
    );
  },
);
