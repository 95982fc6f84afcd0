/** Replies as Markdown. Their structure is tested with the parser; here, what a browser makes of it. */
import { ChatPage } from './pages/chat.ts';
import { expectNoViolations, THEMES } from './support/axe.ts';
import { hostileReplies } from './support/hostile-replies.ts';
import { openOnly, openReplies, SAMPLE, streamReply } from './support/markdown.ts';
import { expect, test } from './support/test.ts';

test('a reply is formatted, its tokens are tinted, and its text is one click away', async ({ app }) => {
  const chat = new ChatPage(app.page);
  const { page } = app;
  await chat.ready();
  await openReplies(app, chat, [SAMPLE]);
  const text = chat.lastText;
  await expect(text.getByRole('heading', { level: 3 })).toHaveText(/^Solving/);
  await expect(text.getByTestId('maths').first().locator('math')).toBeVisible();
  await expect(text.locator('strong').first()).toHaveText('bold');
  await expect(text.locator('li')).toHaveCount(6);
  await expect(text.getByRole('table').getByRole('row')).toHaveCount(3);
  await expect(text.locator('pre .sy-keyword').first()).toHaveText('def');
  await expect(text.getByTestId('code-language')).toHaveText('python');
  await expect(text.getByText('<b>HTML</b> &')).toBeVisible();
  await expect(text.locator('img, b, a[href]')).toHaveCount(0);
  await expectNoViolations(page, 'formatted reply');

  // A link asks first, and shows its whole address.
  await text.getByTestId('markdown-link').first().click();
  await expect(chat.id('link-url')).toHaveText('https://example.org/a?b=c');
  await expectNoViolations(page, 'link');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(chat.id('link-dialog')).toHaveCount(0);

  // Long code scrolls within its block, also by keyboard.
  const code = text.locator('pre');
  await page.setViewportSize({ width: 480, height: 700 });
  await code.focus();
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => code.evaluate((element) => element.scrollLeft)).toBeGreaterThan(0);
  expect(await text.evaluate((element) => element.scrollWidth <= element.clientWidth)).toBe(true);
  await text.getByRole('button', { name: 'Wrap lines' }).click();
  expect(await code.evaluate((element) => element.scrollWidth <= element.clientWidth)).toBe(true);
  await page.setViewportSize({ width: 1280, height: 800 });

  // Tokens in a list, a table and code; syntax has none, but the keys reach it.
  await chat.id('view-tokens').click();
  await expect(text.locator('li [data-testid=token]', { hasText: 'nested' })).toBeAttached();
  await expect(text.locator('pre [data-testid=token]').first()).toBeAttached();
  await expect(text.locator('pre .sy-keyword')).toHaveCount(0);
  await text.locator('td [data-testid=token]', { hasText: '345' }).click();
  await expect(chat.id('token-popover')).toBeVisible();
  await page.keyboard.press('Escape');
  await text.focus();
  await page.keyboard.press('Home');
  await expect(chat.id('token-popover')).toHaveAttribute('aria-label', 'Token #');
  await page.keyboard.press('Escape');

  // Raw: exactly what was generated.
  await chat.id('view-text').click();
  await chat.id('toggle-raw').click();
  await expect(chat.id('markdown')).toHaveCount(0);
  expect(await text.evaluate((body) => body.textContent)).toBe(SAMPLE);
  await chat.id('toggle-raw').click();
  await expect(chat.id('markdown')).toBeVisible();
  await chat.id('reply-menu').click();
  await chat.id('raw-replies').click();
  await expect(chat.id('markdown')).toHaveCount(0);
});

test('finished blocks keep their nodes and the selection while a reply grows', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  const { page } = app;
  await chat.ready();
  const stream = await streamReply(app, chat, `First *paragraph* here.\n\n${SAMPLE}`.repeat(3));
  await stream.to(60);
  await expect(chat.lastText.locator('p').first()).toHaveText('First paragraph here.');
  await page.evaluate(() => {
    const first = document.querySelector('[data-testid=markdown-block]')!;
    document.getSelection()!.selectAllChildren(first);
    Object.assign(window, { first, removed: 0 });
    const blocks = new WeakSet<Node>();
    new MutationObserver((records) => {
      const all = [...document.querySelectorAll('[data-testid=markdown-block]')];
      for (const block of all.slice(0, -1)) blocks.add(block);
      for (const { removedNodes } of records) {
        for (const node of removedNodes) if (blocks.has(node)) (window as unknown as { removed: number }).removed++;
      }
    }).observe(first.parentElement!, { childList: true });
  });
  await stream.to(Infinity);
  await expect(chat.lastText.getByTestId('table')).toHaveCount(3);
  const seen = await page.evaluate(() => {
    const { first, removed } = window as unknown as { first: Element; removed: number };
    return { same: first === document.querySelector('[data-testid=markdown-block]'), removed };
  });
  expect(seen).toEqual({ same: true, removed: 0 });
  expect(await page.evaluate(() => document.getSelection()!.toString().trim())).toBe('First paragraph here.');
});

for (const theme of THEMES) {
  test(`no violation in a formatted reply, as text and as tokens, ${theme}`, { tag: '@full' }, async ({ app }) => {
    const chat = new ChatPage(app.page);
    await app.services.invoke('settingsSet', { theme });
    await chat.ready();
    await openReplies(app, chat, [SAMPLE]);
    await expect(chat.lastText.locator('pre .sy-keyword').first()).toBeAttached();
    await expectNoViolations(app.page, 'text');
    await chat.id('view-tokens').click();
    await expect(chat.lastText.locator('td [data-testid=token]').first()).toBeAttached();
    await expectNoViolations(app.page, 'tokens');
  });
}

test('showing tokens moves no letter', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  // Formulas are shown as their source in the tokens view.
  await openReplies(app, chat, [SAMPLE.replaceAll(/\$\$?[^$]+\$\$?/gu, 'x')]);
  await expect(chat.lastText.locator('pre .sy-keyword').first()).toBeAttached();
  const places = () =>
    chat.lastText.evaluate((body) => {
      const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
      const found: number[] = [];
      let at = 0;
      for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
        for (const [index, character] of [...(node as Text).data].entries()) {
          if (/\s/.test(character) || at++ % 7 !== 0) continue;
          const range = document.createRange();
          range.setStart(node, index);
          range.setEnd(node, index + 1);
          const { left, top } = range.getBoundingClientRect();
          found.push(left, top);
        }
      }
      return found;
    });
  const before = await places();
  await chat.id('view-tokens').click();
  await expect(chat.lastText.locator('td [data-testid=token]').first()).toBeAttached();
  const after = await places();
  expect(after).toHaveLength(before.length);
  // Chromium rounds the ends of shaped runs to 1/64 px, so that a long line may differ by a fraction of a pixel.
  expect(Math.max(...after.map((place, at) => Math.abs(place - before[at]!)))).toBeLessThan(1);
});

const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
const HOSTILE = Number(process.env.TOKENSCOPE_HOSTILE ?? (isFull ? 500 : 50));
/** Longest task of the page, ms. */
const MAX_TASK_MS = 200;

test(
  'hostile replies run nothing, request nothing and block nothing',
  { tag: ['@full', '@alone'] },
  async ({ app }) => {
    test.setTimeout(HOSTILE * 4000 + 60_000);
    const chat = new ChatPage(app.page);
    const { page } = app;
    await chat.ready();
    await page.evaluate(() => {
      const tasks: number[] = [];
      Object.assign(window, { tasks });
      new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
        type: 'longtask',
      });
    });
    const slow: { at: number; tasks: number[] }[] = [];
    for (const [at, reply] of hostileReplies(HOSTILE, 20).entries()) {
      // Best of three: other programs run on this computer, too.
      const tasks: number[] = [];
      for (let round = 0; round < 3 && tasks.every((task) => task > MAX_TASK_MS); round++) {
        const close = await openOnly(app, chat, reply);
        const found = await page.evaluate(
          async ([source, raw]) => {
            const body = document.querySelector('[data-testid=reply-text]')!;
            const idle = () => body.querySelector('[aria-busy=true]') === null && body.querySelector('[data-markdown]');
            while (!idle()) await new Promise((resolve) => setTimeout(resolve, 20));
            await new Promise((resolve) => setTimeout(resolve, 100));
            const { tasks: all, hacked } = window as unknown as { tasks: number[]; hacked?: unknown };
            const bad = body.querySelectorAll('script, img, iframe, base, style, link, object, embed, a[href], form');
            const longest = Math.max(0, ...all.splice(0));
            let same = true;
            if (raw) {
              document.querySelector<HTMLElement>('[data-testid=toggle-raw]')!.click();
              await new Promise((resolve) => setTimeout(resolve, 50));
              same = body.textContent === source;
            }
            all.splice(0);
            return { bad: bad.length, hacked: hacked !== undefined, same, longest };
          },
          [reply, round === 0 && reply.length < 20_000] as const,
        );
        expect(found, `reply ${at}: ${reply.slice(0, 200)}`).toMatchObject({ bad: 0, hacked: false, same: true });
        tasks.push(found.longest);
        await close();
      }
      if (Math.min(...tasks) > MAX_TASK_MS) slow.push({ at, tasks });
    }
    expect(slow).toEqual([]);
  },
);
