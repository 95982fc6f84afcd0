import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import { writeTinyModel } from './support/model-files.ts';
import { expect, test } from './support/test.ts';

test('a text is split into the model’s pieces, with counts while typing', async ({ app }) => {
  const chat = new ChatPage(app.page);
  const pieces = chat.id('piece');
  await chat.ready();
  await chat.id('nav-tokenizer').click();
  await expect(chat.id('tokenizer-text')).toBeVisible();
  await chat.id('tokenizer-text').pressSequentially('once upon a time');
  await expect(chat.id('count-tokens')).toHaveText('4');
  await expect(chat.id('count-characters')).toHaveText('16');
  await expect(chat.id('count-bytes')).toHaveText('16');
  await expect(chat.id('count-per-word')).toHaveText('1.00');
  await expect(pieces).toHaveCount(4);
  await expect(pieces.first()).toContainText('once');

  await chat.id('tokenizer-bos').check();
  await expect(pieces).toHaveCount(5);
  await expect(pieces.first()).toHaveAttribute('data-kind', 'special');

  // A special token in the text is text unless parsing is switched on.
  await chat.id('tokenizer-text').fill('a <EOS>');
  await expect(pieces.nth(2)).not.toHaveAttribute('data-kind', 'special');
  await chat.id('tokenizer-special').check();
  await expect(pieces).toHaveCount(3);
  await expect(pieces.nth(2)).toHaveAttribute('data-kind', 'special');

  // Keys move through the pieces, each announced and shown.
  await app.page.getByRole('application', { name: /Tokens of the text/ }).focus();
  await app.page.keyboard.press('End');
  await expect(chat.id('piece-detail')).toContainText('special token');
  await expect(chat.id('live-region')).toContainText('<EOS>, special token, id 1');
  // A tap is a click that no movement precedes.
  await pieces.nth(1).dispatchEvent('click');
  await expect(chat.id('piece-detail')).toContainText('U+0061');

  // On hover, a piece shows its bytes; unknown pieces are marked.
  await chat.id('tokenizer-text').fill('once 日本');
  await expect(pieces.nth(2)).toHaveAttribute('data-kind', 'unknown');
  await expect(pieces.nth(2)).toContainText('日本');
  await expect(chat.id('count-unknown')).toHaveText('1');
  await pieces.nth(1).hover();
  await expect(chat.id('piece-detail')).toContainText('6f 6e 63 65');
  await expect(chat.id('piece-detail')).toContainText('U+006F U+006E U+0063 U+0065');
  await pieces.nth(2).hover();
  await expect(chat.id('piece-detail')).toContainText('unknown token');
  await chat.id('tokenizer-text').fill('a <EOS>');
  await expect(pieces).toHaveCount(3);
  await expect(chat.id('count-unknown')).toHaveCount(0);

  // It is still there after visiting the chat.
  await app.page.keyboard.press('Control+1');
  await app.page.keyboard.press('Control+4');
  await expect(chat.id('tokenizer-text')).toHaveValue('a <EOS>');
  await expect(pieces).toHaveCount(3);
});

test(
  'invisible characters have a sign, and another model splits differently',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    const chat = new ChatPage(app.page);
    const models = new ModelsPage(app);
    await chat.ready();
    await models.show();
    await models.open(await writeTinyModel(dataDir));
    await models.load('tiny-llama');
    await chat.id('nav-tokenizer').click();
    await chat.id('tokenizer-text').fill('a\u200bb\n\tc \u00e9');
    await expect(chat.id('count-characters')).toHaveText('8');
    const list = app.page.getByRole('application', { name: /Tokens of the text/ });
    await expect(list).toContainText('⏎');
    await expect(list).toContainText('⇥');
    const tokens = Number(await chat.id('count-tokens').textContent());
    expect(tokens).toBeGreaterThan(4);

    // Whatever there is to say of a piece, nothing moves.
    for (const width of [1280, 480]) {
      await app.page.setViewportSize({ width, height: 800 });
      const heights = new Set<number | undefined>();
      for (let piece = 0; piece < tokens; piece++) {
        await chat.id('piece').nth(piece).hover();
        heights.add((await chat.id('piece-detail').boundingBox())?.height);
      }
      expect([...heights], `at ${width} px`).toHaveLength(1);
    }
    await chat.id('tokenizer-text').fill('');
    await expect(chat.id('piece')).toHaveCount(0);
    await expect(chat.id('count-tokens')).toHaveText('0');
  },
);

test(
  'a megabyte is tokenized in steps, and only what is near the window is rendered',
  { tag: '@full' },
  async ({ app }) => {
    test.slow();
    const chat = new ChatPage(app.page);
    await chat.ready();
    await chat.id('nav-tokenizer').click();
    const text = 'once upon a time there was a cat. '.repeat(30_000).slice(0, 1_000_000);
    await chat.id('tokenizer-text').fill(text);
    await expect(chat.id('read-all')).toBeAttached();
    await expect(chat.id('count-characters')).toHaveText('100,000');
    const drawn = async () => await chat.id('piece').count();
    expect(await drawn()).toBeLessThan(4000);
    // By key: blocks that are drawn on the way there still move the button.
    await chat.id('read-all').press('Enter');
    // A megabyte takes the engine a second; a busy machine needs many.
    await expect(chat.id('count-characters')).toHaveText('1,000,000', { timeout: 40_000 });
    const tokens = Number((await chat.id('count-tokens').textContent())?.replaceAll(',', ''));
    expect(tokens).toBeGreaterThan(250_000);
    await expect(chat.id('read-all')).toHaveCount(0);
    expect(await drawn()).toBeLessThan(4000);

    // The End key moves to its last piece.
    await app.page.getByRole('application', { name: /Tokens of the text/ }).focus();
    await app.page.keyboard.press('End');
    await expect(chat.id('piece-detail')).toContainText(new RegExp(`${tokens} of ${tokens}`));
    expect(await drawn()).toBeLessThan(4000);
    await chat.id('tokenizer-text').fill('a cat');
    await expect(chat.id('count-tokens')).toHaveText('2');
  },
);
