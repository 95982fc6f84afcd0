/**
 * Long chats stay fast. Times depend on the machine, so most tests count: elements in the page, blocks that changed, and
 * times in a long chat relative to a short one.
 */
import type { Page } from '@playwright/test';
import { ChatPage } from './pages/chat.ts';
import { words, writeChat } from './support/long-chats.ts';
import { expect, test } from './support/test.ts';

const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

async function open(chat: ChatPage, id: string): Promise<void> {
  await chat.page.locator(`[data-chat-id="${id}"]`).click();
  await expect(chat.lastReply).toBeVisible();
}

const thread = (page: Page) => page.locator('section[data-region="thread"]');
const elementsIn = (page: Page) => thread(page).evaluate((element) => element.querySelectorAll('*').length);
const distanceToEnd = (page: Page) =>
  thread(page).evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight);

/** Waits frames until nothing changes any more. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(
    () => new Promise<void>((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve()))),
  );
}

test(
  'a chat of 2,000 messages has as few elements in the page as a short one, at any scroll position',
  { tag: '@full' },
  async ({ app }) => {
    test.slow();
    const chat = new ChatPage(app.page);
    await chat.ready();
    await writeChat(app, { id: idOf(1), title: 'short', replies: Array.from({ length: 20 }, () => words(15)) });
    await writeChat(app, { id: idOf(2), title: 'long', replies: Array.from({ length: 1000 }, () => words(15)) });
    await open(chat, idOf(1));
    await settled(app.page);
    const short = await elementsIn(app.page);
    await open(chat, idOf(2));
    await expect(chat.lastReply).toHaveAttribute('aria-setsize', '2000');
    await expect(chat.lastReply).toHaveAttribute('aria-posinset', '2000');
    expect(await distanceToEnd(app.page)).toBeLessThan(2);
    expect(await elementsIn(app.page)).toBeLessThan(1.5 * short);

    // Scrolls up by hand, through the middle, to the top.
    await thread(app.page).hover();
    for (let step = 0; step < 20; step++) {
      await app.page.mouse.wheel(0, -700);
      await settled(app.page);
      const seen = await thread(app.page).evaluate((element) => {
        const box = element.getBoundingClientRect();
        const at = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
        return at?.closest('[data-turn]') !== null;
      });
      expect(seen, 'a turn in the middle of the window').toBe(true);
    }
    for (const place of [0.5, 0.1, 0]) {
      await thread(app.page).evaluate((element, at) => (element.scrollTop = at * element.scrollHeight), place);
      await settled(app.page);
      expect(await elementsIn(app.page)).toBeLessThan(3 * short);
    }
    await expect(chat.id('user-turn').first()).toHaveText(/Question 1:/);
    await expect(chat.id('user-turn').first()).toHaveAttribute('aria-posinset', '1');
  },
);

test(
  'keys reach turns that are not in the page, and the focus stays on one that is scrolled out of view',
  { tag: '@full' },
  async ({ app }) => {
    const chat = new ChatPage(app.page);
    const { page } = app;
    await chat.ready();
    await writeChat(app, { id: idOf(3), title: 'keys', replies: Array.from({ length: 150 }, () => words(40)) });
    await open(chat, idOf(3));
    await thread(page).focus();
    const place = () => page.evaluate(() => Number(document.activeElement?.getAttribute('aria-posinset')));
    for (let step = 0; step < 60; step++) await page.keyboard.press('ArrowUp');
    expect(await place()).toBe(241);
    await expect(page.locator('article:focus')).toBeInViewport();
    await thread(page).evaluate((element) => (element.scrollTop = element.scrollHeight));
    await settled(page);
    expect(await place()).toBe(241);
    await page.keyboard.press('ArrowDown');
    expect(await place()).toBe(242);
    await expect(page.locator('article:focus')).toBeInViewport();
    // Also by mouse from anywhere to the end.
    const toEnd = page.getByRole('button', { name: 'Jump to end' });
    await thread(page).evaluate((element) => (element.scrollTop = 0));
    await toEnd.click();
    await expect(toEnd).toBeHidden();
    expect(await distanceToEnd(page)).toBeLessThan(2);
  },
);

test('a reply changes only its last block, however long it is, and the view follows it', async ({ app }) => {
  test.slow();
  const chat = new ChatPage(app.page);
  const { page } = app;
  await chat.ready();
  await app.services.invoke('settingsSet', { rawReplies: true });
  await chat.openPanel('stop');
  await chat.set('ignoreEos', true);
  await chat.set('maxTokens', 900);
  await chat.set('repetitionWindow', 0);
  await chat.send('Once upon a time');
  await expect(chat.lastText).not.toBeEmpty();
  await page.evaluate(() => {
    const body = document.querySelector('[data-testid=reply-text]')!;
    const state = { added: 0, removed: 0, outside: 0, frames: 0, worst: -Infinity };
    Object.assign(window, { watched: state });
    new MutationObserver((records) => {
      const blocks = body.querySelectorAll('.block');
      const late = new Set([...blocks].slice(-2));
      for (const { target, addedNodes, removedNodes, type } of records) {
        const block = (target instanceof Element ? target : target.parentElement)?.closest('.block') ?? null;
        if (type === 'childList' && block !== null) {
          state.added += [...addedNodes].filter((node) => node instanceof HTMLElement).length;
          state.removed += [...removedNodes].filter((node) => node instanceof HTMLElement).length;
          if (!late.has(block) && addedNodes.length > 0) state.outside++;
        }
      }
    }).observe(body, { childList: true, subtree: true, characterData: true });
    const scroller = document.querySelector('section[data-region=thread]')!;
    const padding = parseFloat(getComputedStyle(scroller).paddingBottom);
    const end = scroller.querySelector('[data-testid=turns]')!;
    // A new observer is notified of the frame as it is painted; a task would also see later changes.
    const look = () => {
      new IntersectionObserver(
        ([{ boundingClientRect, rootBounds }], observer) => {
          observer.disconnect();
          state.frames++;
          state.worst = Math.max(state.worst, boundingClientRect.bottom + padding - rootBounds!.bottom);
        },
        { root: scroller },
      ).observe(end);
      requestAnimationFrame(look);
    };
    look();
  });
  await chat.finished(60_000);
  const state = await page.evaluate(
    () =>
      (window as unknown as { watched: Record<'added' | 'removed' | 'outside' | 'frames' | 'worst', number> }).watched,
  );
  // A block far from the window becomes plain text: one span.
  expect(state.added).toBeLessThan(1000);
  expect(state.frames).toBeGreaterThan(10);
  expect(state.worst, 'px from the end, in a painted frame').toBeLessThan(3);
  expect(await distanceToEnd(page)).toBeLessThan(2);
  expect(await chat.lastReply.getByTestId('text-block').count()).toBeGreaterThan(2);
  const longest = await chat.lastReply
    .getByTestId('text-block')
    .evaluateAll((blocks) => Math.max(...blocks.map((block) => (block.textContent ?? '').split(' ').length)));
  expect(longest).toBeLessThan(1100);
});

test(
  'after scrolling up in a running reply the view stays, and goes to the end on demand',
  { tag: '@full' },
  async ({ app }) => {
    const chat = new ChatPage(app.page);
    const { page } = app;
    await chat.ready();
    await writeChat(app, { id: idOf(6), title: 'followed', replies: Array.from({ length: 8 }, () => words(40)) });
    await chat.endless();
    await open(chat, idOf(6));
    await chat.send('Once upon a time');
    await expect(chat.lastReply).toHaveAttribute('aria-setsize', '18');
    await expect(chat.lastText).not.toBeEmpty();
    await thread(page).hover();
    await page.mouse.wheel(0, -150);
    const toEnd = page.getByRole('button', { name: 'Jump to end' });
    await expect(toEnd).toBeVisible();
    const where = () => thread(page).evaluate((element) => element.scrollTop);
    // The wheel scrolls for some frames.
    let before = Number.NaN;
    const scrolled = async () => {
      const last = before;
      before = await where();
      return before - last;
    };
    await expect.poll(scrolled).toBe(0);
    const length = async () => ((await chat.lastText.textContent()) ?? '').length;
    const early = await length();
    await expect.poll(length).toBeGreaterThan(early + 40);
    expect(await where()).toBe(before);
    await toEnd.click();
    await expect(toEnd).toBeHidden();
    await expect.poll(length).toBeGreaterThan(early + 120);
    await expect(toEnd).toBeHidden();
    await chat.id('stop').click();
    await chat.finished();
    expect(await distanceToEnd(page)).toBeLessThan(2);
  },
);

test(
  'a paragraph in blocks looks like one text, at any width, and showing tokens moves no letter',
  { tag: '@full' },
  async ({ app }) => {
    const chat = new ChatPage(app.page);
    await chat.ready();
    await app.services.invoke('settingsSet', { rawReplies: true });
    await writeChat(app, { id: idOf(4), title: 'paragraph', replies: [words(1500)] });
    await open(chat, idOf(4));
    await expect(chat.lastReply.getByTestId('text-block')).toHaveCount(24);
    /** Compares each word's position with that in a single text. */
    const difference = () =>
      chat.lastText.evaluate((body) => {
        const flow = body.querySelector<HTMLElement>('.flow')!;
        const plain = document.createElement('div');
        plain.style.cssText = `position:absolute;white-space:pre-wrap;width:${flow.clientWidth}px`;
        plain.textContent = [...flow.querySelectorAll('.block')]
          .map((block) => block.textContent)
          .join('')
          .trimStart();
        flow.append(plain);
        const placesIn = (root: Node, origin: DOMRect) => {
          const places: number[] = [];
          const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
          for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
            const text = (node as Text).data;
            for (const match of text.matchAll(/\S+/g)) {
              const range = document.createRange();
              range.setStart(node, match.index);
              range.setEnd(node, match.index + 1);
              const { left, top } = range.getBoundingClientRect();
              places.push(left - origin.left, top - origin.top);
            }
          }
          return places;
        };
        const expected = placesIn(plain, plain.getBoundingClientRect());
        plain.remove();
        const found = placesIn(flow, flow.getBoundingClientRect());
        if (found.length !== expected.length) return Infinity;
        return Math.max(...found.map((place, at) => Math.abs(place - expected[at]!)));
      });
    await expect.poll(difference).toBeLessThan(1);
    await chat.id('panel-toggle').click();
    await expect.poll(difference).toBeLessThan(1);
    await chat.id('view-tokens').click();
    await expect(chat.lastReply.getByTestId('token').first()).toBeAttached();
    await expect.poll(difference).toBeLessThan(1);
  },
);

test('a selection over blocks and turns is copied as the original text', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  const { page } = app;
  await chat.ready();
  await app.services.invoke('settingsSet', { rawReplies: true });
  const code = ['def', ' f', '(x', '):\n', '    ', 'if', ' x', ':\n', '        ', 'return', ' 1', '\n', '\tpass', '\n'];
  await writeChat(app, { id: idOf(5), title: 'copied', replies: [words(700), code] });
  await open(chat, idOf(5));
  const copied = (from: number, to: number) =>
    page.evaluate(
      ([first, last]) => {
        const bodies = [...document.querySelectorAll('[data-testid=reply-text]')];
        const range = document.createRange();
        range.setStart(bodies[first!]!, 0);
        range.setEnd(bodies[last!]!, bodies[last!]!.childNodes.length);
        const selection = document.getSelection()!;
        selection.removeAllRanges();
        selection.addRange(range);
        const data = new DataTransfer();
        const event = new ClipboardEvent('copy', { clipboardData: data, bubbles: true, cancelable: true });
        bodies[first!]!.dispatchEvent(event);
        return data.getData('text/plain');
      },
      [from, to],
    );
  expect(await copied(1, 1)).toBe(code.join(''));
  expect(await copied(0, 0)).toBe(words(700).join(''));
  expect(await copied(0, 1)).toBe([words(700).join(''), 'Question 2: what happened then?', code.join('')].join('\n\n'));
});

test(
  'a selection is copied without folded reasoning, and with all of a long message',
  { tag: '@full' },
  async ({ app }) => {
    const chat = new ChatPage(app.page);
    const { page } = app;
    await chat.ready();
    const long = `Once${words(1200).join('')}.`;
    const thought = ['<think>', ' Hm', '</think>'];
    await writeChat(app, {
      id: idOf(7),
      title: 'thought',
      messages: [long, 'Why?'],
      replies: [
        [...thought, 'Yes', '.'],
        [...thought, 'No', '.'],
      ],
      reasoning: thought.length,
    });
    await open(chat, idOf(7));
    await expect(chat.id('markdown')).toHaveCount(2);
    await expect(page.getByRole('button', { name: 'Show all' })).toBeVisible();
    /** From a character of the first message to the end of the last reply. */
    const copied = (from: number) =>
      page.evaluate((offset) => {
        const bodies = [...document.querySelectorAll('[data-turn] [data-copy]')];
        const [first, last] = [bodies[0]!, bodies.at(-1)!];
        const text = document.createTreeWalker(first, NodeFilter.SHOW_TEXT, (node) =>
          (node.nodeValue ?? '').length > offset ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_SKIP,
        );
        const range = document.createRange();
        range.setStart(text.nextNode()!, offset);
        range.setEnd(last, last.childNodes.length);
        const selection = document.getSelection()!;
        selection.removeAllRanges();
        selection.addRange(range);
        const data = new DataTransfer();
        first.dispatchEvent(new ClipboardEvent('copy', { clipboardData: data, bubbles: true, cancelable: true }));
        return data.getData('text/plain');
      }, from);
    expect(await copied(0)).toBe([long, 'Yes.', 'Why?', 'No.'].join('\n\n'));
    expect(await copied(5)).toBe([long.slice(5), 'Yes.', 'Why?', 'No.'].join('\n\n'));
    // Opened, it is copied, too; its button is not.
    await chat.replies.first().getByTestId('reasoning-toggle').click();
    const opened = await copied(5);
    expect(opened).toContain('Hm');
    expect(opened).not.toContain('Thought for');
  },
);

test(
  'a list of hundreds of chats has only the visible rows in the page, also for a search',
  { tag: '@full' },
  async ({ app }) => {
    test.slow();
    const chat = new ChatPage(app.page);
    await chat.ready();
    for (let number = 0; number < 400; number++) {
      await writeChat(app, { id: idOf(1000 + number), title: `Chat ${number}`, replies: [['fox']] });
    }
    const list = chat.id('chat-list');
    const rows = chat.id('chat-item');
    await expect.poll(() => list.evaluate((element) => element.scrollHeight)).toBeGreaterThan(400 * 30);
    expect(await rows.count()).toBeLessThan(100);
    await list.evaluate((element) => (element.scrollTop = element.scrollHeight));
    await expect(rows.last()).toBeInViewport();
    expect(await rows.count()).toBeLessThan(100);
    await chat.id('chat-search').fill('fox');
    await expect.poll(() => list.evaluate((element) => element.scrollHeight)).toBeGreaterThan(400 * 30);
    expect(await rows.count()).toBeLessThan(100);
  },
);
