/** Two runs side by side: another text, changes, another model. */
import { ChatPage } from './pages/chat.ts';
import { InsidePage, largestError } from './pages/inside.ts';
import { ModelsPage } from './pages/models.ts';
import { expectNoViolations, expectNoViolationsIn } from './support/axe.ts';
import { expectNothingCutOff } from './support/overflow.ts';
import { writeTinyModel } from './support/model-files.ts';
import { expect, test } from './support/test.ts';

/** Tables show seven digits of numbers up to 14. */
const SHOWN = 1e-5;

test('two texts are compared, number by number', { tag: '@full' }, async ({ app }) => {
  test.setTimeout(180_000);
  const { page } = app;
  await new ChatPage(page).ready();
  const inside = new InsidePage(page);
  await inside.show();
  await inside.id('inside-beside').selectOption('text');
  await expect(inside.id('second-tokens').getByRole('radio')).toHaveCount(9);
  const differs = async (picture: string, difference: string) => {
    const [first, second] = [
      await inside.numbersOf(picture, inside.run(1)),
      await inside.numbersOf(picture, inside.run(2)),
    ];
    const expected = second.map((row, i) => row.map((value, j) => value - (first[i]?.[j] ?? NaN)));
    return largestError(await inside.numbersOf(difference), expected);
  };
  await inside.step('attention');
  await expect.poll(() => differs('attention', 'attention-difference')).toBeLessThan(SHOWN);
  await inside.step('layers');
  await expect.poll(() => differs('layer-vectors', 'layer-difference')).toBeLessThan(SHOWN);
  // The words before the other one do not know of it.
  const rows = await inside.numbersOf('layer-difference');
  expect(Math.max(...rows.slice(0, 6).flat().map(Math.abs))).toBe(0);
  expect(Math.max(...(rows[6] ?? []).map(Math.abs))).toBeGreaterThan(0.1);
  await inside.step('head');
  await expect(inside.id('logits-difference')).toBeVisible();
  await inside.step('sampling');
  await expect(inside.run(2).getByTestId('inside-waterfall')).toContainText('picked');

  // Texts of other lengths have tokens of their own, and no difference.
  await inside.step('attention');
  await inside.id('second-text').fill('A cat slept');
  await expect(inside.id('second-tokens').getByRole('radio')).toHaveCount(4);
  await expect(inside.id('difference')).toBeHidden();
  await expect(inside.run(2).getByTestId('attention')).toBeVisible();
  await expectNoViolationsIn(['light', 'dark', 'contrast'], page, 'Inside, two texts');
  for (const width of [480, 800, 1100, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    for (const step of ['attention', 'head', 'sampling'] as const) {
      await inside.step(step);
      await expect(inside.run(2).locator('canvas').first()).toBeVisible();
      await expectNothingCutOff(page, `Inside, two texts, ${step}, at ${width} px`);
    }
  }
  // No column of the logit lens is out of sight.
  await inside.step('head');
  for (const run of [1, 2] as const) {
    const lens = inside.run(run).getByTestId('lens').getByTestId('picture-cells');
    expect(await lens.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0);
  }
});

test('a changed run stands beside the unmodified one, whatever is changed', { tag: '@full' }, async ({ app }) => {
  test.setTimeout(180_000);
  const { page } = app;
  await new ChatPage(page).ready();
  const inside = new InsidePage(page);
  await inside.show();
  await inside.step('what-if');
  const summary = inside.id('what-if-summary');
  const buttons = [
    'Turn off head',
    'Turn off attention',
    'Turn off feed-forward',
    'Turn off positions',
    'Turn off causal mask',
  ];
  for (const name of buttons) {
    await page.getByRole('button', { name, exact: true }).click();
    await expect(inside.id('changes').getByRole('listitem')).toHaveCount(1);
    await expect(summary).toContainText('bits');
    await page.getByRole('button', { name: /^Undo:/u }).click();
    await expect(summary).toContainText('Make a change');
  }
  await page.getByRole('slider', { name: 'Temperature' }).press('ArrowRight');
  await expect(summary).toContainText('bits');
  await page.getByRole('slider', { name: 'Temperature' }).press('ArrowLeft');

  await page.getByRole('textbox', { name: 'Token instead' }).fill('cat');
  await inside.id('replace-token').click();
  await expect(inside.id('changes')).toContainText('cat” instead of “');
  await page.getByRole('button', { name: /^Undo:/u }).click();

  await inside.id('head-off').click();
  await inside.id('pair-attention').click();
  const second = inside.run(2);
  // The head looks where it did, but passes nothing on.
  await expect
    .poll(async () => (await inside.numbersOf('attention-output', second)).flat().every((v) => v === 0))
    .toBe(true);
  await expect.poll(async () => Math.max(...(await inside.numbersOf('attention-difference')).flat())).toBe(0);
  await inside.pick('inside-layer', 1);
  await expect
    .poll(async () => Math.max(...(await inside.numbersOf('attention-difference')).flat()))
    .toBeGreaterThan(1e-4);
  // Both rows of tokens, and both columns.
  await expect(page.getByText('Unmodified', { exact: true })).toHaveCount(2);
  await expect(page.getByText('With changes', { exact: true })).toHaveCount(2);
  await expect(inside.id('changes-made')).toHaveText(/^Layer \d+, head \d+ off$/);
  // Bars of both have the same space, and so the same scale.
  const space = (run: 1 | 2) =>
    inside.run(run).evaluate((section) => section.firstElementChild?.getBoundingClientRect().width ?? 0);
  expect(await space(1)).toBeCloseTo(await space(2), 1);
  await inside.step('loop');
  await expect(second).toContainText('This step shows the first run only.');
  await inside.step('layers');
  await expect(inside.id('stream-difference')).toBeVisible();
  await expectNoViolations(page, 'Inside, with changes');
});

test('without the causal mask, a token looks at the keys after it', { tag: '@full' }, async ({ app }) => {
  const { page } = app;
  await new ChatPage(page).ready();
  const inside = new InsidePage(page);
  await inside.show();
  await inside.id('inside-text').fill('the cat and the dog '.repeat(20).trim());
  await expect.poll(() => inside.tokens.count()).toBeGreaterThan(96);
  const last = (await inside.tokens.count()) - 1;
  await inside.step('what-if');
  await page.getByRole('button', { name: 'Turn off causal mask', exact: true }).click();
  await inside.id('pair-attention').click();
  await inside.tokens.first().click();
  const keys = (run: 1 | 2) => inside.run(run).getByTestId('attention-keys');
  const first = ['The same tokens', 'Tokens 0 to 47'];
  await expect(keys(1).locator('option')).toHaveText(first);
  await expect(keys(2).locator('option')).toHaveText([...first, 'Tokens 48 to 95', `Tokens 96 to ${last}`]);
  await keys(2).selectOption('96');
  const picture = inside.run(2).getByTestId('attention');
  await expect(inside.busy).toHaveCount(0);
  await picture.getByTestId('picture-cells').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('End');
  await expect(picture.getByTestId('picture-facts')).toContainText(`(token ${last})`);
  await expect(picture.getByTestId('picture-facts')).not.toContainText('masked');
});

test('the same text runs in two models', { tag: '@full' }, async ({ app, dataDir }) => {
  test.setTimeout(180_000);
  const { page } = app;
  const chat = new ChatPage(page);
  await chat.ready();
  const models = new ModelsPage(app);
  await models.show();
  await models.open(await writeTinyModel(dataDir, 'llama'));
  await expect(models.card('tiny-llama')).toBeVisible();
  const inside = new InsidePage(page);
  await inside.show();
  // All layers of the first one get the same rows of a table; those of the second rotate.
  await inside.step('position');
  await expect(inside.id('positions')).toBeVisible();
  await expect(inside.id('inside-layer')).toBeHidden();
  await inside.id('inside-beside').selectOption({ label: 'The same text in tiny-llama' });
  await expect(inside.run(1).getByTestId('positions')).toBeVisible();
  await expect(inside.run(2).getByTestId('dials')).toBeVisible();
  await expect(inside.id('inside-layer')).toBeVisible();
  await inside.step('attention');
  await expect(inside.run(1).getByTestId('attention')).toBeVisible();
  await expect(inside.run(2).getByTestId('attention')).toBeVisible();
  await expect(inside.id('difference')).toBeHidden();
  await inside.step('why');
  await expect(inside.run(2).getByTestId('why-sum')).toContainText('parts sum to');
  // The models take turns, and what is being computed again is faded.
  await expect(inside.busy).toHaveCount(0);
  await expectNoViolations(page, 'Inside, two models');
  // The chat still has the first one.
  await expect(chat.id('engine-state')).toHaveAttribute('data-state', 'ready');
  await page.keyboard.press('Control+1');
  await chat.openPanel('stop');
  await chat.set('maxTokens', 4);
  expect((await chat.ask('Hello world')).reason).toBe('max_tokens');
  await expect(chat.id('sidebar-model')).toContainText('TinyTransformer');
});
