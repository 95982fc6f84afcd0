/** The tokens of a reply, new or old: what they are coloured by, their candidates, branches and selections. */
import { randomUUID } from 'node:crypto';
import { ChatPage } from './pages/chat.ts';
import { expectNoViolations, expectNoViolationsIn } from './support/axe.ts';
import { words, writeChat } from './support/long-chats.ts';
import { expect, test, type RunningApp } from './support/test.ts';

const PROMPT = 'Once upon a time there was a little girl who';
const TOKENS = 40;

/** A new reply of `TOKENS` tokens, as tokens. */
async function newReply(app: RunningApp): Promise<ChatPage> {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.openPanel('stop');
  await chat.set('maxTokens', TOKENS);
  await chat.set('ignoreEos', true);
  await chat.set('repetitionWindow', 0);
  await chat.greedy();
  await chat.ask(PROMPT);
  await chat.id('view-tokens').click();
  await expect(chat.lastReply.getByTestId('token')).toHaveCount(TOKENS);
  return chat;
}

/** A stored reply of which only the tokens are known. */
async function oldReply(app: RunningApp): Promise<ChatPage> {
  const chat = new ChatPage(app.page);
  await chat.ready();
  const id = randomUUID();
  await writeChat(app, { id, title: 'old', replies: [words(30)] });
  await app.page.locator(`[data-chat-id="${id}"]`).click();
  await chat.id('view-tokens').click();
  await expect(chat.lastReply.getByTestId('token')).toHaveCount(30);
  return chat;
}

const textOf = (chat: ChatPage) => chat.lastText.evaluate((body) => body.textContent ?? '');
const versionOf = (chat: ChatPage) => chat.lastReply.getByRole('group', { name: /^Version/ });
const candidatesOf = (chat: ChatPage) =>
  chat.id('token-popover').getByRole('list', { name: 'Candidates' }).getByRole('listitem');

test('a click on a candidate branches: a new version continues from it, and the old one stays', async ({ app }) => {
  const chat = await newReply(app);
  const before = await textOf(chat);
  const token = chat.lastReply.getByTestId('token').nth(20);
  await token.click();
  await expect(candidatesOf(chat)).toHaveCount(20);
  // The greedy chain leaves one, and each of the others says what removed it.
  await expect(chat.id('token-popover')).toContainText(`1 of 8,000 could be picked`);
  for (const row of await candidatesOf(chat).all()) await expect(row).not.toContainText('cut');
  await expect(candidatesOf(chat).nth(2)).toContainText(/Top-p|Min-p|Temperature/);
  await expect(chat.id('recomputed')).toHaveCount(0);
  await candidatesOf(chat).nth(2).getByRole('button').click();

  await expect(versionOf(chat)).toContainText('2 / 2');
  await chat.finished();
  await expect(chat.lastReply.getByTestId('reply-stats')).toContainText('branched at token 21');
  const branch = await textOf(chat);
  const common = [...before].findIndex((character, at) => character !== branch[at]);
  expect(common).toBeGreaterThan(20);
  // The chosen token does not count towards the limit.
  await expect(chat.lastReply.getByTestId('token')).toHaveCount(20 + 1 + TOKENS);

  await chat.lastReply.getByRole('button', { name: 'Previous version' }).click();
  await expect(versionOf(chat)).toContainText('1 / 2');
  expect(await textOf(chat)).toBe(before);
  await app.restart();
  const again = new ChatPage(app.page);
  await again.ready();
  await expect(again.lastReply.getByTestId('token')).toHaveCount(TOKENS);
  expect(await textOf(again)).toBe(before);
  await again.lastReply.getByRole('button', { name: 'Next version' }).click();
  await expect(again.lastReply.getByTestId('token')).toHaveCount(20 + 1 + TOKENS);
  expect(await textOf(again)).toBe(branch);
  // Candidates of tokens that both versions have are stored once.
  await again.lastReply.getByTestId('token').nth(3).click();
  await expect(candidatesOf(again)).toHaveCount(20);
  await expect(again.id('recomputed')).toHaveCount(0);
});

test('Inside says that a person chose the token of a branch', { tag: '@full' }, async ({ app }) => {
  const chat = await newReply(app);
  await chat.lastReply.getByTestId('token').nth(20).click();
  await candidatesOf(chat).nth(2).getByRole('button').click();
  await expect(versionOf(chat)).toContainText('2 / 2');
  await chat.finished();
  await chat.lastReply.getByTestId('token').nth(20).click();
  await chat.id('look-inside').click();
  await expect(chat.id('inside-caution')).toContainText('You chose this token.');
  await chat.id('step-sampling').click();
  await expect(chat.id('waterfall-differs')).toContainText('You chose this token.');
  // Another random number says nothing about the reply.
  await chat.id('inside-draw-again').click();
  await expect(chat.id('waterfall-differs')).toHaveCount(0);
  await expect(chat.id('inside-waterfall')).toBeVisible();
});

test('by keyboard: walk, pin, choose a candidate, branch', { tag: '@full' }, async ({ app }) => {
  const chat = await newReply(app);
  const { keyboard } = app.page;
  const said = app.page.getByTestId('live-region');
  await chat.lastText.focus();
  await keyboard.press('Home');
  for (let step = 0; step < 5; step++) await keyboard.press('ArrowRight');
  await keyboard.press('Enter');
  await expect(chat.id('token-popover').getByRole('button', { name: 'Unpin' })).toBeVisible();
  await expect(candidatesOf(chat)).toHaveCount(20);
  await keyboard.press('ArrowDown');
  await keyboard.press('ArrowDown');
  await expect(said).toContainText(/Candidate 2 of 20: .+ likely, cut by/);
  await keyboard.press('Enter');
  await expect(versionOf(chat)).toContainText('2 / 2');
  await chat.finished();
  await expect(chat.lastReply.getByTestId('reply-stats')).toContainText('branched at token 6');
  // The focus is on the new version, so that it goes on from there.
  await expect(chat.lastText).toBeFocused();
  await keyboard.press('Home');
  await keyboard.press('ArrowRight');
  await keyboard.press('b');
  await expect(versionOf(chat)).toContainText('3 / 3');
  await chat.finished();
  await expect(chat.lastReply.getByTestId('reply-stats')).toContainText('branched at token 2');
  await keyboard.press('Home');
  await expect(chat.id('token-popover')).toBeVisible();
  await keyboard.press('Escape');
  await expect(chat.id('token-popover')).toHaveCount(0);
});

test('an old reply is recomputed, says so, and branches too', { tag: ['@full', '@services'] }, async ({ app }) => {
  const chat = await oldReply(app);
  const before = await textOf(chat);
  await chat.lastReply.getByTestId('token').nth(12).click();
  await expect(candidatesOf(chat)).not.toHaveCount(0);
  await expect(chat.id('recomputed')).toHaveText('Recomputed');
  await expect(candidatesOf(chat).last()).toContainText(/Top-k|Top-p|Min-p/);
  await expectNoViolations(app.page, 'recomputed candidates');
  await candidatesOf(chat).first().getByRole('button').click();
  await expect(versionOf(chat)).toContainText('2 / 2');
  await chat.finished();
  const branch = await textOf(chat);
  expect(branch.slice(0, 30)).toBe(before.slice(0, 30));
  expect(branch).not.toBe(before);
  await chat.lastReply.getByRole('button', { name: 'Previous version' }).click();
  expect(await textOf(chat)).toBe(before);
});

test('tokens are coloured by what was chosen, which is kept', { tag: '@full' }, async ({ app }) => {
  let chat = await newReply(app);
  const tokens = () => chat.lastReply.getByTestId('token');
  const tinted = (scale: 'p' | 's') => chat.lastReply.locator(`[data-testid="token"][data-${scale}]`);
  const by = (value: string) => chat.id('colour-by').selectOption(value);
  await expect(tinted('p')).toHaveCount(TOKENS);
  await by('surprisal');
  await expect(tinted('s')).toHaveCount(TOKENS);
  // Never both at once.
  await expect(tinted('p')).toHaveCount(0);
  await by('rank');
  await expect(tinted('s')).toHaveCount(TOKENS);
  await expect(chat.id('colour-basis')).toHaveCount(0);
  // Greedy takes the first.
  expect(await tokens().evaluateAll((all) => all.every((token) => token.getAttribute('data-s') === '0'))).toBe(true);
  await by('entropy');
  await expect(chat.id('colour-basis')).toHaveText('Entropy recomputed');
  await expect(tinted('s')).toHaveCount(TOKENS);
  await expect(chat.id('colour-legend')).toHaveAccessibleName(/^Token colours from 0 to 12\+\sbits/);
  await expectNoViolations(app.page, 'tokens by entropy');
  await expectNoViolationsIn(['light', 'dark'], app.page, 'tokens by entropy');

  await by('doubtful');
  await chat.id('doubt-below').fill('30');
  await chat.id('doubt-below').press('Enter');
  await expect.poll(() => tinted('p').count()).toBeLessThan(TOKENS);
  const steps = await tinted('p').evaluateAll((all) => all.map((token) => Number(token.getAttribute('data-p'))));
  expect(steps.length).toBeGreaterThan(0);
  expect(Math.max(...steps)).toBeLessThan(3);
  await app.restart();
  chat = new ChatPage(app.page);
  await chat.ready();
  await expect(chat.id('colour-by')).toHaveValue('doubtful');
  await expect(chat.id('doubt-below')).toHaveValue('30');
  await expect(tinted('p')).toHaveCount(steps.length);
});

test('rank and entropy of an old reply are recomputed', { tag: ['@full', '@services'] }, async ({ app }) => {
  const chat = await oldReply(app);
  for (const [value, text] of [
    ['rank', 'Ranks recomputed'],
    ['entropy', 'Entropy recomputed'],
  ]) {
    await chat.id('colour-by').selectOption(value!);
    await expect(chat.id('colour-basis')).toHaveText(text!);
    await expect(chat.lastReply.locator('[data-testid="token"][data-s]')).toHaveCount(30);
  }
});

test('selected tokens show their perplexity and their share of the surprisal', { tag: '@full' }, async ({ app }) => {
  const chat = await newReply(app);
  const { keyboard, mouse } = app.page;
  const card = chat.id('span-card');
  const selected = chat.lastReply.locator('.selected');
  await chat.lastText.focus();
  await keyboard.press('Home');
  await keyboard.press('Shift+ArrowRight');
  await keyboard.press('Shift+ArrowRight');
  await expect(card).toContainText(`3 of ${TOKENS} tokens`);
  await expect(card).toContainText(/Perplexity\s*\d+\.\d\d/);
  await expect(card).toContainText(/Share of the reply’s surprisal\s*[\d.]+\s%/);
  await expect(selected).toHaveCount(3);
  await expect(app.page.getByTestId('live-region')).toContainText(/3 tokens selected, perplexity/);
  await expectNoViolations(app.page, 'selected tokens');
  await expectNoViolationsIn(['dark'], app.page, 'selected tokens');
  await keyboard.press('Shift+End');
  await expect(card).toContainText(`${TOKENS} of ${TOKENS} tokens`);
  await expect(card).toContainText(/surprisal\s*100\s%/);
  await keyboard.press('ArrowLeft');
  await expect(card).toHaveCount(0);
  await keyboard.press('Escape');

  const middle = async (at: number) => {
    const box = await chat.lastReply.getByTestId('token').nth(at).boundingBox();
    return [box!.x + box!.width / 2, box!.y + box!.height / 2] as const;
  };
  await mouse.move(...(await middle(2)));
  await mouse.down();
  await mouse.move(...(await middle(4)), { steps: 4 });
  await mouse.move(...(await middle(6)), { steps: 4 });
  await mouse.up();
  await expect(card).toContainText(`5 of ${TOKENS} tokens`);
  await expect(selected).toHaveCount(5);
  // A click pins as before.
  await chat.lastReply.getByTestId('token').nth(8).click();
  await expect(card).toHaveCount(0);
  await expect(chat.id('token-popover')).toBeVisible();
});

test('nothing branches in a reply of another model', { tag: ['@full', '@services'] }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  const id = randomUUID();
  await writeChat(app, { id, title: 'other', replies: [words(30)], modelId: 'other', model: 'Other' });
  await app.page.locator(`[data-chat-id="${id}"]`).click();
  await chat.id('view-tokens').click();
  await chat.lastReply.getByTestId('token').nth(5).click();
  await expect(chat.id('branch-blocked')).toHaveText('This reply is by Other. Load Other first.');
  await expect(chat.id('token-popover')).toContainText('No candidates were stored for this token.');
  await app.page.keyboard.press('Escape');
  await chat.id('colour-by').selectOption('entropy');
  await expect(chat.id('colour-basis')).toHaveText('Entropy not stored. This reply is by Other. Load Other first.');
});
