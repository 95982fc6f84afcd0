import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capture, root } from '../scripts/lib/run.ts';
import { storedComparison } from '../src-main/protocol/app/comparisons/test-support/comparisons.ts';
import { tokenscopeFile } from '../src-main/protocol/app/comparisons/tokenscope-file.ts';
import { divergesAt } from '../src-main/protocol/engine/reply-metrics.ts';
import { ChatPage } from './pages/chat.ts';
import { ComparePage } from './pages/compare.ts';
import { ModelsPage } from './pages/models.ts';
import { expectNoViolations } from './support/axe.ts';
import { gapOf } from './support/joined-lines.ts';
import { writeTinyModel } from './support/model-files.ts';
import { storedLanes } from './support/stored-runs.ts';
import { expect, test } from './support/test.ts';

const PROMPT = 'Lily found a small door in the garden.';

test('the first set runs as one batch, and marks where its lanes differ', async ({ app }) => {
  const compare = new ComparePage(app.page);
  await compare.show();
  await expect(compare.lanes).toHaveCount(4);
  await expect(compare.id('lane-stop')).toHaveCount(0);
  await compare.compare(PROMPT);
  await expect(compare.id('prefill')).toHaveText('Shared prefill: once for 4 lanes');
  for (let index = 0; index < 4; index++) {
    expect(await compare.reason(index)).not.toBe('error');
    await expect(compare.lane(index).locator('[data-figure="perplexity"]')).toBeVisible();
  }
  // The badges are where the stored ids differ.
  const ids = (await storedLanes(app)).map(({ replies }) => replies[0].tokens.ids);
  for (const index of [1, 2, 3]) expect(await compare.divergence(index)).toBe(divergesAt(ids[0], ids[index]));
  const marks = await Promise.all([1, 2, 3].map((index) => compare.divergence(index)));
  const known = marks.flatMap((mark) => (mark === null ? [] : [mark]));
  expect(known).not.toEqual([]);
  const earliest = Math.min(...known);
  expect(await compare.divergence(0)).toBe(earliest);
  await expect(compare.id('chart-mark')).toHaveAttribute('data-x', String(earliest + 1));
  // Shared text is untinted; what follows is not.
  const latest = Math.max(...known);
  expect(latest).toBeGreaterThan(0);
  const lane = 1 + marks.indexOf(latest);
  await expect(compare.id('same-as').nth(lane)).toHaveText(`first ${latest}`);
  await expect(compare.text(lane).locator(`[data-index="${latest - 1}"]`)).not.toHaveAttribute('data-p', /.*/);
  await expect(compare.text(lane).locator(`[data-index="${latest}"]`)).toHaveAttribute('data-p', /\d+/);
  await expectNoViolations(app.page, 'Compare with four lanes');
});

test('a pinned lane is what the others are compared with', { tag: '@full' }, async ({ app }) => {
  const compare = new ComparePage(app.page);
  await compare.show();
  await compare.compare(PROMPT);
  await compare.menu(1, 'lane-pin');
  await expect(compare.id('same-as').nth(1)).toHaveText('–');
  await expect(compare.id('same-as').nth(0)).toHaveText(/^(none|(first|all) \d+)$/);
  await compare.menu(1, 'lane-unpin');
  await expect(compare.id('same-as').nth(0)).toHaveText('–');
});

test('the values of the chart are a table, too', { tag: '@full' }, async ({ app }) => {
  const compare = new ComparePage(app.page);
  await compare.show();
  await compare.set('compare-limit', 16);
  await compare.compare(PROMPT);
  await compare.id('compare-chart-table').click();
  const table = compare.id('value-table');
  // The number of the token, and a column per lane.
  await expect(table.locator('th')).toHaveCount(5);
  await expect(table.locator('tbody tr').first()).toContainText('bits');
  await compare.id('chart-time').click();
  await expect(table.locator('tbody tr').first()).toContainText('ms');
  await expectNoViolations(app.page, 'the values of the chart');
  await compare.id('compare-chart-table').click();
  await expect(compare.id('compare-chart')).toBeVisible();
});

test(
  'one lane is stopped, changed and run again while the others keep their text',
  { tag: '@full' },
  async ({ app }) => {
    test.slow();
    const compare = new ComparePage(app.page);
    const chat = new ChatPage(app.page);
    await chat.ready();
    // Sets have the chat's stop conditions, but always the cache: only the reference is slow enough to be stopped.
    await chat.endless();
    await compare.show();
    for (const lane of [0, 1, 2, 3]) await compare.chooseExecutor(lane, 'reference');
    await compare.run(PROMPT);
    await expect(compare.text(3)).not.toBeEmpty();
    await compare.lane(3).getByTestId('lane-stop-button').click();
    await expect(compare.lane(3).getByTestId('lane-stop')).toHaveAttribute('data-reason', 'user');
    await expect(compare.lane(3).getByTestId('lane-menu')).toBeFocused();
    await compare.id('compare-stop').click();
    await compare.finished();
    await expect(compare.id('compare-run')).toBeFocused();
    const others = await Promise.all([0, 1, 2].map((index) => compare.text(index).textContent()));

    await compare.lane(3).getByTestId('lane-settings').click();
    await expect(compare.id('lane-drawer')).toBeVisible();
    await compare.set('setting-temperature', 0.2);
    await compare.id('lane-tab-stop').click();
    await compare.set('setting-maxTokens', 12);
    await expectNoViolations(app.page, 'settings of a lane');
    await app.page.keyboard.press('Escape');
    await compare.lane(3).getByTestId('lane-run-changed').click();
    await expect(compare.lane(3).locator('[data-figure="tokens"]')).toContainText('12');
    await compare.finished();
    expect(await compare.reason(3)).toBe('max_tokens');
    expect(await Promise.all([0, 1, 2].map((index) => compare.text(index).textContent()))).toEqual(others);
  },
);

test('samples have the next seeds and can be paged', { tag: '@full' }, async ({ app }) => {
  const compare = new ComparePage(app.page);
  await compare.show();
  await compare.set('compare-limit', 16);
  await compare.lane(3).getByTestId('lane-settings').click();
  await expect(compare.id('drawer-run')).toBeDisabled();
  await compare.id('lane-tab-lane').click();
  await compare.set('lane-samples', 3);
  await app.page.keyboard.press('Escape');
  await compare.compare(PROMPT);
  const first = await compare.text(3).textContent();
  await expect(compare.lane(3).getByTestId('sample')).toHaveText('1 / 3');
  await expect(compare.lane(3).locator('[data-figure="perplexity"]')).toContainText(' to ');
  await compare.lane(3).getByTestId('next-sample').click();
  await expect(compare.lane(3).getByTestId('sample')).toHaveText('2 / 3');
  expect(await compare.text(3).textContent()).not.toBe(first);
});

test('a chat is compared, and a lane becomes a chat', { tag: '@full' }, async ({ app }) => {
  const compare = new ComparePage(app.page);
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.ask('Hello world');
  await chat.ask('Once upon a time');
  await chat.lastReply.getByTestId('compare-reply').click();
  await expect(compare.id('compare-chat')).toContainText('3 messages');
  await compare.id('compare-run').click();
  await expect(compare.id('lane-stop')).toHaveCount(4);
  const text = (await compare.text(1).innerText()).replace(/\s+/gu, '');
  await compare.menu(1, 'lane-open-chat');
  await expect(chat.id('user-turn')).toHaveCount(2);
  await expect(chat.replies).toHaveCount(2);
  const reply = (await chat.lastText.innerText()).replace(/\s+/gu, '');
  expect(text).toContain(reply.slice(-20));

  await chat.id('nav-compare').click();
  await compare.menu(1, 'lane-apply');
  await chat.id('nav-chat').click();
  await chat.openPanel('sampling');
  await expect(chat.id('setting-topK')).toHaveValue('40');
});

test('runs are stored, opened again and deleted', { tag: '@full' }, async ({ app }) => {
  const compare = new ComparePage(app.page);
  await compare.show();
  await compare.set('compare-limit', 16);
  await compare.compare(PROMPT);
  const text = await compare.text(1).textContent();
  await compare.compare('A second prompt');
  await expect(compare.text(1)).not.toHaveText(text ?? '');
  await compare.id('open-runs').click();
  await expect(compare.id('run-item')).toHaveCount(2);
  await compare.id('run-item').filter({ hasText: 'Lily' }).click();
  await expect(compare.id('compare-prompt')).toHaveValue(PROMPT);
  await expect(compare.text(1)).toHaveText(text ?? '');
  await expect(compare.lane(0)).toHaveAccessibleName('Lane A, Greedy');
  await compare.id('open-runs').click();
  await compare.id('run-item').first().hover();
  await compare.id('run-rename').first().click();
  await app.page.keyboard.type('My run');
  await app.page.keyboard.press('Enter');
  await expect(compare.id('run-item').first()).toContainText('My run');
  await expect(compare.id('run-item').first()).toBeFocused();
  await compare.id('run-delete').first().click();
  await expect(compare.id('run-item')).toHaveCount(1);
});

test(
  'a run from a file is shown, kept, and says which model is missing',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    const compare = new ComparePage(app.page);
    const run = storedComparison();
    for (const { settings } of run.lanes) Object.assign(settings, { modelId: 'gone', modelName: 'A missing model' });
    const path = join(dataDir, 'run.tokenscope');
    const content = tokenscopeFile(run, {
      app: '1.0.0',
      exportedAt: run.createdAt,
      models: [{ id: 'gone', name: 'A missing model', bytes: 1, sha256: null }],
    });
    await writeFile(path, content);
    await compare.show();
    await compare.id('open-runs').click();
    await compare.id('run-file').setInputFiles(path);
    await expect(compare.lanes).toHaveCount(run.lanes.length);
    await expect(compare.id('file-problem')).toContainText('This computer does not have A missing model.');
    // The badge of the first difference has text of its own.
    const { text } = run.lanes[0].replies[0];
    await expect
      .poll(() => compare.text(0).evaluate((lane) => lane.textContent.replace(/First difference, token\d+/, '')))
      .toContain(text.trim());
    await writeFile(path, 'no run');
    await compare.id('open-runs').click();
    await expect(compare.id('run-item')).toHaveCount(1);
    await compare.id('run-file').setInputFiles(path);
    await expect(compare.id('file-problem')).toContainText('is not a .tokenscope file');
  },
);

test('a blind vote hides who is who until a key is pressed', { tag: '@full' }, async ({ app }) => {
  const compare = new ComparePage(app.page);
  await compare.show();
  await compare.set('compare-limit', 16);
  await compare.id('open-votes').click();
  await expect(compare.id('votes-dialog')).toContainText('No votes yet.');
  await app.page.keyboard.press('Escape');
  await compare.id('mode-blind').click();
  await compare.run(PROMPT);
  await expect(compare.id('vote').first()).toBeEnabled();
  await expect(compare.lane(0)).toHaveAccessibleName('Text 1');
  await expect(compare.id('lane-settings')).toHaveCount(0);
  await expect(compare.id('lane-stop')).toHaveCount(0);
  await expect(compare.id('compare-chart')).toHaveCount(0);
  // Marks of differences would show which lane the others are compared with.
  await expect(compare.id('divergence')).toHaveCount(0);
  await expect(compare.id('lane-text').locator('.shared')).toHaveCount(0);
  await expect(compare.page.locator('[data-p]')).toHaveCount(0);
  await expectNoViolations(app.page, 'a blind vote');
  await app.page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await app.page.keyboard.press('2');
  await expect(compare.id('vote-result')).toHaveText(/^You chose [A-D], .+\.$/);
  await expect(compare.id('lane-stop')).toHaveCount(4);
  await expect(compare.id('vote-next')).toBeFocused();
  // Lanes can be changed and removed after the vote, which says what was chosen.
  const result = await compare.id('vote-result').textContent();
  const name = await compare.lane(0).getAttribute('aria-label');
  await compare.menu(0, 'lane-remove');
  await expect(compare.lanes).toHaveCount(3);
  await expect(compare.id('vote-result')).toHaveText(result ?? '');
  await compare.id('undo').click();
  await expect(compare.lanes).toHaveCount(4);
  await expect(compare.lane(0)).toHaveAccessibleName(name ?? '');
  await compare.id('vote-next').focus();
  await app.page.keyboard.press('Enter');
  await expect(compare.id('vote-result')).toHaveCount(0);
  await expect(compare.id('vote-tie')).toBeEnabled();
  await app.page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await app.page.keyboard.press('0');
  await expect(compare.id('vote-result')).toHaveText('A tie.');
  await compare.id('all-votes').click();
  await expect(compare.id('votes-row')).toHaveCount(4);
  // Setting, won, tied, shown, share.
  await expect(compare.id('votes-row').first().locator('td')).toHaveText(['1', '1', '2', /50\s%/]);
  await expectNoViolations(app.page, 'blind votes');
  await app.page.keyboard.press('Escape');
});

test(
  'lanes of another model run after the others, and the first model comes back',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    const path = await writeTinyModel(dataDir, 'llama');
    const add = [join(root, 'scripts/tokenscope.mjs'), 'models', 'add', path];
    const { code, stderr } = await capture(process.execPath, add, {
      env: { ...process.env, TOKENSCOPE_DATA_DIR: dataDir },
    });
    expect(code, stderr).toBe(0);
    const compare = new ComparePage(app.page);
    const models = new ModelsPage(app);
    await new ChatPage(app.page).ready();
    await models.show();
    await expect(models.card('tiny-llama')).toBeVisible();
    await compare.show();
    await compare.set('compare-limit', 8);
    await compare.id('lane-sets').click();
    await compare.id('lane-set-models').click();
    await expect(compare.lanes).toHaveCount(2);
    await expect(compare.lane(1)).toHaveAccessibleName('Lane B, tiny-llama');
    await expect(compare.lane(1).getByTestId('lane-note')).toHaveText(
      'Runs after A, because it needs another model. Both fit in memory.',
    );
    await compare.set('compare-limit', 8);
    await compare.compare(PROMPT);
    await expect(compare.id('lane-stop')).toHaveCount(2);
    expect(await compare.reason(1)).not.toBe('error');
    await expect(compare.id('prefill')).toContainText('Shared prefill: 2');
    // Token ids of different models mean different things.
    await expect(compare.id('divergence')).toHaveCount(0);
    await compare.lane(1).getByTestId('lane-settings').click();
    await compare.id('lane-tab-lane').click();
    await compare.id('lane-model').selectOption({ label: 'TinyTransformer' });
    await expect(compare.id('lane-model')).toBeFocused();
    await app.page.keyboard.press('Escape');
    await compare.id('nav-chat').click();
    await expect(compare.id('sidebar-model')).toContainText('TinyTransformer');
  },
);

test('without a model, Compare says what to do', { tag: '@full' }, async ({ app }) => {
  const compare = new ComparePage(app.page);
  const models = new ModelsPage(app);
  await new ChatPage(app.page).ready();
  await models.show();
  await models.card('TinyTransformer').getByTestId('unload-model').click();
  await expect(compare.id('engine-state')).toHaveAttribute('data-state', 'empty');
  await compare.id('nav-compare').click();
  await expect(compare.id('compare-run')).toBeDisabled();
  await expect(compare.id('add-lane')).toBeDisabled();
  await expectNoViolations(app.page, 'Compare without a model');
  await compare.id('compare-models').click();
  await models.load('TinyTransformer');
  await compare.id('nav-compare').click();
  await expect(compare.lanes).toHaveCount(4);
});

test(
  'before the first run, Compare says what to do, below the heads of the lanes',
  { tag: '@full' },
  async ({ app }) => {
    const compare = new ComparePage(app.page);
    await compare.show();
    const hint = compare.id('compare-hint');
    const heads = app.page.locator('[data-testid="lane"] > header');
    for (const [width, height, lanes] of [
      [480, 640, 1],
      [1000, 700, 4],
    ] as const) {
      await app.page.setViewportSize({ width, height });
      await expect(compare.lanes).toHaveCount(lanes);
      await expect(hint).toBeVisible();
      const place = await hint.boundingBox();
      const ends = await heads.evaluateAll((all) => all.map((head) => head.getBoundingClientRect().bottom));
      expect(ends).toHaveLength(lanes);
      expect(place?.y, `the hint at ${width} px`).toBeGreaterThanOrEqual(Math.max(...ends));
    }
    await compare.id('compare-example').click();
    await expect(compare.id('compare-prompt')).toHaveValue(PROMPT);
  },
);

test('everything without a mouse', { tag: '@full' }, async ({ app }) => {
  const compare = new ComparePage(app.page);
  const { keyboard } = app.page;
  await new ChatPage(app.page).ready();
  await keyboard.press('Control+2');
  await expect(compare.id('compare-prompt')).toBeFocused();
  await keyboard.type(PROMPT);
  await keyboard.press('Control+Enter');
  await expect(compare.id('lane-stop')).toHaveCount(4, { timeout: 30_000 });
  // The arrow keys walk the tokens of a lane.
  await compare.text(1).focus();
  await keyboard.press('ArrowRight');
  await expect(compare.id('token-popover')).toBeVisible();
  await keyboard.press('Escape');
  await expect(compare.id('token-popover')).toHaveCount(0);
  // Every token of a lane is drawn again as it was.
  await keyboard.press('ArrowRight');
  await keyboard.press('h');
  for (const at of [1, 2, 5]) {
    await compare.id('waterfall-token').fill(String(at));
    await keyboard.press('Enter');
    await expect(compare.id('draw-line')).toContainText(new RegExp(`for token ${at}|does not matter`));
    await expect(compare.id('waterfall-answer')).toHaveAttribute('aria-busy', 'false');
    await expect(compare.id('waterfall-differs')).toHaveCount(0);
  }
  await keyboard.press('Escape');
  await expect(compare.text(1)).toBeFocused();
  const settings = compare.lane(1).getByTestId('lane-settings');
  await settings.focus();
  await keyboard.press('Enter');
  await expect(compare.id('lane-drawer')).toBeVisible();
  await keyboard.press('Escape');
  await expect(settings).toBeFocused();
  const firstItem = app.page.getByRole('menuitem').first();
  await compare.lane(1).getByTestId('lane-menu').focus();
  await keyboard.press('Enter');
  await expect(firstItem).toBeFocused();
  await keyboard.press('Enter');
  // This lane alone was run again.
  await expect
    .poll(async () => {
      const times = (await storedLanes(app)).map(({ replies }) => replies[0].facts.run?.requestedAt);
      return times.map((time) => time === times[0]);
    })
    .toEqual([true, false, true, true]);
  const seen = new Set<string>();
  for (let i = 0; i < 6; i++) {
    await keyboard.press('F6');
    seen.add(
      await app.page.evaluate(
        () => document.activeElement?.closest('[data-region]')?.getAttribute('data-region') ?? '',
      ),
    );
  }
  expect([...seen].sort()).toEqual(['composer', 'panel', 'status', 'thread', 'title']);
  // When a lane is removed, the focus moves to the next one.
  await compare.lane(1).getByTestId('lane-menu').focus();
  await keyboard.press('Enter');
  await expect(firstItem).toBeFocused();
  for (const key of ['End', 'Enter']) await keyboard.press(key);
  await expect(compare.lanes).toHaveCount(3);
  await expect(compare.lane(1).getByTestId('lane-menu')).toBeFocused();
});

test('at 480 px lanes are tabs', { tag: '@full' }, async ({ app }) => {
  const compare = new ComparePage(app.page);
  await compare.show();
  // Enough for two blocks of text.
  await compare.set('compare-limit', 83);
  await compare.compare(PROMPT);
  const tokens = compare.text(0).getByTestId('token');
  await expect(tokens).toHaveCount(83);
  await app.page.setViewportSize({ width: 480, height: 640 });
  await expect(compare.lanes).toHaveCount(1);
  await expect(compare.lane(0)).toHaveAccessibleName('Lane A, Greedy');
  await compare.id('lane-tab').nth(2).click();
  await expect(compare.lane(0)).toHaveAccessibleName('Lane C, Temperature 0.7');
  await expect(compare.text(0)).toBeVisible();
  expect(await app.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(480);
  await compare.id('lane-tab-figures').click();
  await expect(compare.id('figures-row')).toHaveCount(4);
  await expectNoViolations(app.page, 'Compare at 480 px');

  // Back in columns, blocks are measured as plain text and then split into tokens, which are made wider here.
  await app.page.evaluate(() => {
    const wider = new CSSStyleSheet();
    wider.replaceSync('[data-index] { letter-spacing: 0.5px }');
    document.adoptedStyleSheets.push(wider);
  });
  await app.page.setViewportSize({ width: 1280, height: 800 });
  await expect(tokens).toHaveCount(83);
  await expect.poll(() => gapOf(compare.text(0))).toBeLessThan(1);
});
