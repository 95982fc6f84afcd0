import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cachedTestModel } from '../scripts/fetch-test-model.ts';
import { readGolden } from '../src-main/engine/test-support/golden.ts';
import { ChatPage } from './pages/chat.ts';
import { ComparePage } from './pages/compare.ts';
import { InsidePage, largestError, numberIn } from './pages/inside.ts';
import { ModelsPage } from './pages/models.ts';
import { expectNoViolations, expectNoViolationsIn } from './support/axe.ts';
import { words } from './support/long-chats.ts';
import { expectNothingCutOff } from './support/overflow.ts';
import { saveOffered } from './support/saved-file.ts';
import { expect, test } from './support/test.ts';

/** PyTorch's float32 trace differs by 2e-6; seven significant digits of numbers up to 14 add up to 5e-6. */
const TRACE = 1e-5;

test('the numbers on the page are those of PyTorch', async ({ app, dataDir }) => {
  const { page } = app;
  const { trace } = readGolden();
  const chat = new ChatPage(page);
  await chat.ready();
  const inside = new InsidePage(page);
  await inside.show();
  // Opened empty, it shows an example: the text of the trace.
  await expect(chat.id('inside-text')).toHaveValue(trace.text);
  await expect(chat.id('inside-tokens').getByRole('radio')).toHaveCount(trace.ids.length);
  await expect(chat.id('token-steps')).toContainText('It is in the vocabulary');
  await expect(chat.id('context-meter')).toHaveAttribute('data-used', String(trace.ids.length));
  await expectNoViolations(page, 'Inside, tokens');
  await inside.step('detokenize');
  await expect(chat.id('joined-text')).toHaveText(trace.text);

  await chat.id('step-layers').click();
  await page.getByRole('radio', { name: 'Input' }).click();
  const input = () => inside.numbersOf('layer-vectors');
  await expect.poll(async () => largestError(await input(), trace.embedding)).toBeLessThan(TRACE);
  await page.getByRole('radio', { name: 'Output' }).click();
  for (const [layer, expected] of trace.layer_outputs.entries()) {
    await inside.pick('inside-layer', layer);
    await expect.poll(async () => largestError(await input(), expected)).toBeLessThan(TRACE);
  }

  await chat.id('step-attention').click();
  for (const [layer, heads] of trace.attention.entries()) {
    await inside.pick('inside-layer', layer);
    for (const [head, expected] of heads.entries()) {
      await inside.pick('inside-head', head);
      await expect.poll(async () => largestError(await inside.numbersOf('attention'), expected)).toBeLessThan(TRACE);
    }
  }

  // A cell says its number, its formula and the operands.
  const picture = chat.id('attention');
  await picture.getByTestId('picture-cells').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('PageDown');
  const expected = trace.attention[1]![3]![8]![0]!;
  await expect(picture.getByTestId('picture-facts')).toContainText('looks at');
  const value = numberIn(await picture.getByTestId('cell-value').textContent());
  expect(Math.abs(value - expected)).toBeLessThan(TRACE);
  await expect(picture.getByTestId('cell-formula')).toContainText('softmax: e^(');
  // A tap, which no movement of a pointer precedes, is about the cell that it is on.
  const shown = (await picture.getByTestId('cell-value').textContent()) ?? '';
  const tapped = await picture.locator('.ring').boundingBox();
  await page.keyboard.press('PageUp');
  await expect(picture.getByTestId('cell-value')).not.toHaveText(shown);
  await picture.locator('canvas').dispatchEvent('click', {
    ...{ detail: 1, clientX: tapped!.x + tapped!.width / 2, clientY: tapped!.y + tapped!.height / 2 },
  });
  await expect(picture.getByTestId('cell-value')).toHaveText(shown);
  // All heads of all layers are beside it.
  await expect(chat.id('all-heads').getByRole('radio')).toHaveCount(8);
  await chat.id('attention-tensor').getByRole('radio', { name: 'Scores' }).click();
  await expect(picture.getByTestId('cell-formula')).toContainText('q·k / √32 =');
  await chat.id('attention-tensor').getByRole('radio', { name: 'Weights' }).click();

  for (const format of ['svg', 'png'] as const) {
    const saved = join(dataDir, `attention.${format}`);
    await picture.getByTestId('export').click();
    await saveOffered(app, saved, () => chat.id(`export-${format}`).click());
    const content = await readFile(saved);
    if (format === 'svg') expect(content.toString()).toContain('<title>Layer 2, head 4: row looks at column</title>');
    else expect(content.subarray(1, 4).toString()).toBe('PNG');
  }
  const path = join(dataDir, 'attention.json');
  await picture.getByTestId('export').click();
  const name = await saveOffered(app, path, () => chat.id('export-json').click());
  expect(name).toBe('attention-weights-layer-2-head-4.json');
  const { rows } = JSON.parse(await readFile(path, 'utf8')) as { rows: (string | number)[][] };
  expect(rows.map((row) => row[1])).toEqual(
    await chat
      .id('inside-tokens')
      .getByRole('radio')
      .evaluateAll((tiles) => tiles.map((tile) => tile.firstChild?.textContent?.replaceAll('·', ' '))),
  );
  expect(
    largestError(
      rows.map((row) => row.slice(2).map(Number)),
      trace.attention[1]![3]!,
    ),
  ).toBeLessThan(TRACE);
  await expectNoViolations(page, 'Inside, attention');
});

/** Opens the steps one after the other, then the lesson. */
async function eachStep(inside: InsidePage, visit: (name: string) => Promise<void>): Promise<void> {
  const buttons = inside.page.getByRole('navigation', { name: 'Steps' }).getByRole('button');
  for (const button of await buttons.all()) {
    await button.click();
    const name = (await button.getAttribute('data-testid')) ?? '';
    // It has a picture when something is changed.
    if (name === 'step-what-if') await inside.id('head-off').click();
    await expect(inside.id('step-page').locator('canvas').first()).toBeVisible();
    await visit(name);
  }
}

test('every step is readable in all themes and on a small window', { tag: '@full' }, async ({ app }) => {
  // Twelve pages and the lesson, in three themes and four widths.
  test.setTimeout(300_000);
  const { page } = app;
  await new ChatPage(page).ready();
  const inside = new InsidePage(page);
  await inside.show();
  await page.setViewportSize({ width: 480, height: 800 });
  await eachStep(inside, async (name) => {
    await expectNoViolationsIn(['light', 'dark', 'contrast'], page, `Inside, ${name}`);
    await expectNothingCutOff(page, `Inside, ${name}, at 480 px`);
  });
  for (const width of [765, 800, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    await eachStep(inside, (name) => expectNothingCutOff(page, `Inside, ${name}, at ${width} px`));
  }
});

test('from a token in a chat to why it was chosen, and what would change it', { tag: '@full' }, async ({ app }) => {
  const { page } = app;
  const chat = new ChatPage(page);
  await chat.ready();
  await chat.ask('Hello world');
  await chat.id('view-tokens').click();
  await chat.lastReply.getByTestId('token').nth(3).click();
  await chat.id('look-inside').click();

  // <BOS>, two tokens of the prompt and three of the reply come before it.
  await expect(chat.id('inside-tokens').getByRole('radio')).toHaveCount(6);
  await expect(chat.id('step-why')).toHaveAttribute('aria-current', 'step');
  // The parts sum to the logit.
  const sum = chat.id('why-sum');
  await expect(sum).toContainText('parts sum to');
  const logit = numberIn(await chat.id('why-logit').textContent());
  const total = numberIn(await chat.id('why-total').textContent());
  expect(Math.abs(total - logit)).toBeLessThan(1e-3 * Math.abs(logit));
  await chat.id('why-rival').selectOption({ index: 1 });
  await expect(sum).toContainText('differ by');
  await expectNoViolations(page, 'Inside, why this token');

  // The draw is the reply's own.
  await chat.id('step-sampling').click();
  await expect(chat.id('inside-waterfall')).toContainText('picked');
  await expect(chat.id('inside-waterfall')).toContainText(/for the next token|does not matter/);

  await chat.id('step-what-if').click();
  await new InsidePage(page).pick('what-if-layer', 1);
  await chat.id('head-off').click();
  await expect(chat.id('changes')).toContainText('Layer 2, head 1 off');
  await expect(chat.id('what-if-summary')).toContainText('bits');
  await expect(chat.id('what-if')).toBeVisible();
  await expectNoViolations(page, 'Inside, what if');

  // Nothing led to text that a person typed.
  await page.keyboard.press('Control+1');
  await chat.lastReply.getByTestId('edit-reply').click();
  await chat.id('turn-editor-text').fill('By hand');
  await chat.id('editor-save').click();
  await expect(chat.lastText).toHaveText('By hand');
  await chat.lastReply.getByTestId('token').last().click();
  const card = chat.id('token-popover');
  await expect(card).toContainText('Not generated');
  await expect(card).not.toContainText('likely');
  await expect(chat.id('branch-blocked')).toHaveText('No model generated this text.');
  await chat.id('look-inside').click();
  await expect(chat.id('inside-problem')).toHaveText(/because the text was not generated\.$/);
});

test('a token of a lane opens the run that led to it', { tag: '@full' }, async ({ app }) => {
  const compare = new ComparePage(app.page);
  await compare.show();
  await compare.compare('Hello world');
  await compare.text(0).locator('[data-index="2"]').click();
  await compare.id('look-inside').click();
  const inside = new InsidePage(app.page);
  await expect(inside.id('step-why')).toHaveAttribute('aria-current', 'step');
  await expect(inside.tokens).toHaveCount(5);
  await expect(inside.id('why-sum')).toContainText('parts sum to');
});

test('a cell stays with its token when another part of a long run is shown', { tag: '@full' }, async ({ app }) => {
  const { page } = app;
  await new ChatPage(page).ready();
  const inside = new InsidePage(page);
  await inside.show();
  await inside.id('inside-text').fill('the cat and the dog '.repeat(20).trim());
  await expect.poll(() => inside.tokens.count()).toBeGreaterThan(96);
  await inside.step('attention');
  await inside.tokens.first().click();
  await expect(inside.busy).toHaveCount(0);
  const picture = inside.id('attention');
  await picture.getByTestId('picture-cells').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('PageDown');
  const facts = picture.getByTestId('picture-facts');
  await expect(facts).toContainText(/\(token\s47\) looks at .+ \(token\s0\)/);
  const chosen = inside.tokens.nth(47);
  await page.keyboard.press('Enter');
  await expect(chosen).toHaveAttribute('aria-checked', 'true');
  // The part around it begins with another key.
  await expect(facts).toContainText(/\(token\s47\) looks at .+ \(token\s12\)/);
  await page.keyboard.press('Enter');
  await expect(chosen).toHaveAttribute('aria-checked', 'true');
});

test('a text keeps its line ends', { tag: '@full' }, async ({ app }) => {
  await new ChatPage(app.page).ready();
  const inside = new InsidePage(app.page);
  await inside.show();
  const text = 'the cat\nand the dog';
  await inside.id('inside-text').fill(text);
  await expect(inside.id('inside-text')).toHaveValue(text);
  // <BOS> and five words.
  await expect(inside.tokens).toHaveCount(6);
  await inside.id('inside-beside').selectOption('text');
  await inside.id('second-text').fill(text);
  await expect(inside.id('second-text')).toHaveValue(text);
});

test('an answer that takes long says how far it is', { tag: '@full' }, async ({ app }) => {
  test.slow();
  const path = await cachedTestModel();
  test.skip(path === null, 'It needs the fetched test model.');
  const { page } = app;
  await new ChatPage(page).ready();
  const models = new ModelsPage(app);
  await models.show();
  await models.open(path!);
  const card = models.id('model-card').filter({ hasText: /SmolLM2/iu });
  await card.getByTestId('load-model').click();
  await expect(card).toContainText('Loaded', { timeout: 120_000 });
  const inside = new InsidePage(page);
  await inside.show();
  // Long enough to be seen on a fast computer, and to be read in several parts.
  await inside.id('inside-text').fill(words(1500).join(''));
  await expect.poll(() => inside.tokens.count()).toBeGreaterThan(1000);
  await inside.step('head');
  const bar = inside.id('step-page').getByRole('progressbar', { name: 'Applying the head after each layer…' });
  await expect(bar).toHaveAttribute('aria-valuetext', /^\d+\s%, \d+\ss left$/u, { timeout: 30_000 });
  await expect(inside.id('progress-figures').first()).toHaveText(/ left$/u);
  await expectNoViolations(page, 'Inside, computing');
  await expect(inside.id('lens')).toBeVisible({ timeout: 60_000 });
  await expect(bar).toHaveCount(0);
});
