/** Repeating replies, and their receipts. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capture, root } from '../scripts/lib/run.ts';
import { rewriteGguf } from '../src-main/engine/test-support/rewrite-gguf.ts';
import type { Receipt } from '../src-main/protocol/engine/receipt/receipt.ts';
import { tinyGguf } from '../src-main/engine/test-support/tiny-gguf.ts';
import { PRESETS } from '../src-renderer/features/chat/sampling/presets.ts';
import { ChatPage } from './pages/chat.ts';
import { ComparePage } from './pages/compare.ts';
import { ModelsPage } from './pages/models.ts';
import type { RunningApp } from './support/app.ts';
import { expectNoViolations } from './support/axe.ts';
import { writeTinyModel } from './support/model-files.ts';
import { saveAsked } from './support/saved-file.ts';
import { expect, test } from './support/test.ts';

/** Opens a reply's menu with the keyboard and chooses an item. */
async function choose(chat: ChatPage, item: string, reply = chat.lastReply): Promise<void> {
  const { keyboard } = chat.page;
  await reply.getByTestId('reply-menu').focus();
  await keyboard.press('Enter');
  await expect(chat.id('run-again')).toHaveAttribute('data-highlighted');
  if (item === 'save-receipt') await keyboard.press('ArrowDown');
  await expect(chat.id(item)).toHaveAttribute('data-highlighted');
  await keyboard.press('Enter');
}

/** Runs a reply again. @returns the title of the result */
async function runAgain(chat: ChatPage, reply = chat.lastReply): Promise<string> {
  await choose(chat, 'run-again', reply);
  await expect(chat.id('receipt-result')).toHaveAttribute('data-phase', /done|failed/);
  return (await chat.id('receipt-result').textContent()) ?? '';
}

async function closeDialog(chat: ChatPage): Promise<void> {
  await chat.page.keyboard.press('Escape');
  await expect(chat.id('receipt-dialog')).toBeHidden();
}

/** Saves the last reply's receipt. @returns its path */
async function saveReceipt(app: RunningApp, chat: ChatPage): Promise<string> {
  const path = join(app.dataDir, 'reply.receipt.json');
  const name = await saveAsked(app, path, () => choose(chat, 'save-receipt'));
  if (name !== null) expect(name).toMatch(/^TinyTransformer .*\.receipt\.json$/);
  await expect(chat.id('toast')).toContainText('Receipt saved');
  return path;
}

async function verify(dataDir: string, path: string, ...flags: string[]) {
  const args = [join(root, 'scripts/tokenscope.mjs'), 'verify', path, ...flags];
  return await capture(process.execPath, args, { env: { ...process.env, TOKENSCOPE_DATA_DIR: dataDir } });
}

/** Changes the stored seed of the last reply. */
async function changeSeed(app: RunningApp, seed: number): Promise<void> {
  const [chat] = await app.services.invoke('chatsList');
  // The page writes a reply's end, which has its seed, when its text is already complete.
  const read = () => app.services.invoke('chatGet', chat!.id);
  await expect
    .poll(async () => (await read())!.turns.at(-1))
    .toMatchObject({ facts: { stop: { reason: expect.anything() } } });
  const stored = await read();
  const turn = stored!.turns.at(-1)!.id;
  const events = [{ type: 'reply' as const, turn, facts: { seed }, at: new Date().toISOString() }];
  await app.services.invoke('chatWrite', { id: chat!.id, base: stored!.revision, origin: 'test', events, details: [] });
}

const PROMPTS = ['Once upon a time', 'The dog', 'Tom and Lily went to the park.', 'Mum said:'];
const COUNT = 50;

test(`${COUNT} replies over all presets are identical when they are run again`, { tag: '@full' }, async ({ app }) => {
  // Each takes one or two seconds, and much longer on a busy machine.
  test.setTimeout(60_000 + 10_000 * COUNT);
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 24);
  await chat.openPanel('sampling');
  for (let i = 0; i < COUNT; i++) {
    const preset = PRESETS[(i + Math.floor(i / 3)) % PRESETS.length]!;
    // Chats of three replies, so that the prefix cache has a part of the prompt.
    if (i > 0 && i % 3 === 0) await chat.newChat();
    await chat.id('setting-preset').selectOption(preset.value);
    if (i % 2 === 1) await chat.set('seed', i);
    await chat.ask(PROMPTS[i % PROMPTS.length]!);
    expect(await runAgain(chat), `${preset.label}, reply ${i + 1}`).toBe('Identical');
    await closeDialog(chat);
  }
});

test('a reply is run again with its recorded settings, also after a restart', async ({ app }) => {
  let chat = new ChatPage(app.page);
  await chat.ready();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 24);
  await chat.set('ignoreEos', true);
  await chat.openPanel('sampling');
  await chat.set('temperature', 1.3);
  await chat.ask('Once upon a time');
  // The current settings do not count.
  await chat.set('temperature', 0.1);
  expect(await runAgain(chat)).toBe('Identical');
  await expect(chat.id('receipt-detail')).toHaveText('All 24 tokens match.');
  await expect(chat.id('receipt-differences')).toHaveCount(0);
  await expectNoViolations(app.page, 'a reply that was run again');
  await closeDialog(chat);
  await expect(chat.lastReply.getByTestId('reply-menu')).toBeFocused();

  await chat.ask('The dog');
  await app.restart();
  chat = new ChatPage(app.page);
  await chat.ready();
  await expect(chat.replies).toHaveCount(2);
  expect(await runAgain(chat)).toBe('Identical');
  await closeDialog(chat);
  expect(await runAgain(chat, chat.replies.first())).toBe('Identical');
});

test('a reply that differs is shown beside the repeated one', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 24);
  await chat.openPanel('sampling');
  await chat.set('temperature', 1.5);
  await chat.set('seed', 7);
  const first = await chat.ask('Once upon a time');
  await chat.set('seed', 8);
  await chat.lastReply.getByTestId('regenerate').click();
  await expect(chat.lastReply).toContainText('2 / 2');
  const second = await chat.finished();
  expect(second.text).not.toBe(first.text);
  await changeSeed(app, 7);
  await expect(chat.lastReply.getByTestId('reply-stats')).toContainText('seed 7');

  expect(await runAgain(chat)).toMatch(/^Differs from token \d+$/);
  expect((await chat.id('recorded-text').textContent())?.trim()).toBe(second.text);
  const repeated = (await chat.id('repeated-text').textContent())?.trim() ?? '';
  expect(first.text.startsWith(repeated)).toBe(true);
  for (const text of ['recorded-text', 'repeated-text']) await expect(chat.id(text).locator('mark')).toHaveCount(1);
  await expectNoViolations(app.page, 'two replies side by side');
});

test('a continued reply is run again from where it was continued', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 8);
  await chat.set('ignoreEos', true);
  await chat.ask('Once upon a time, there was a little');
  await chat.lastReply.getByTestId('continue').click();
  await expect(chat.lastReply.getByTestId('reply-stats')).toContainText('16 tokens');
  await chat.finished();
  await expect(chat.lastReply.getByTestId('reply-stats')).toContainText('last run 8 tokens');
  expect(await runAgain(chat)).toBe('Identical');
  await expect(chat.id('receipt-detail')).toHaveText('All 8 tokens match.');
});

test('a branch and a lane of Compare are run again, and verified', { tag: '@full' }, async ({ app, dataDir }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 12);
  await chat.set('ignoreEos', true);
  await chat.ask('Once upon a time, there was a little');
  await chat.id('view-tokens').click();
  await chat.lastReply.getByTestId('token').nth(5).click();
  const candidates = chat.id('token-popover').getByRole('list', { name: 'Candidates' }).getByRole('listitem');
  await candidates.nth(3).getByRole('button').click();
  await expect(chat.lastReply.getByTestId('reply-stats')).toContainText('branched at token 6');
  await chat.finished();
  expect(await runAgain(chat)).toBe('Identical');
  await expect(chat.id('receipt-detail')).toHaveText('All 13 tokens match.');
  await closeDialog(chat);
  const path = await saveReceipt(app, chat);
  const receipt = JSON.parse(await readFile(path, 'utf8')) as Receipt;
  expect(receipt.request).toMatchObject({ firstToken: receipt.reply.ids[0] });
  expect(receipt.promptIds.slice(-5)).toEqual((receipt.request.prompt as { replyIds?: number[] }).replyIds);
  const verified = await verify(dataDir, path, '--json');
  expect(verified.code, verified.stderr).toBe(0);
  expect(JSON.parse(verified.stdout)).toMatchObject({ result: 'identical', tokens: 13 });

  const compare = new ComparePage(app.page);
  await compare.show();
  await compare.id('compare-limit').fill('12');
  await compare.id('compare-limit').press('Enter');
  await compare.compare('The dog');
  for (const lane of [0, 3]) {
    await compare.menu(lane, 'lane-open-chat');
    await expect(chat.id('user-turn')).toHaveText(/The dog/);
    expect(await runAgain(chat)).toBe('Identical');
    await closeDialog(chat);
    await chat.id('nav-compare').click();
  }
});

test('another context size and another model file are named', { tag: '@full' }, async ({ app, dataDir }) => {
  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  const load = async (name: string) => {
    await models.load(name);
    await chat.id('nav-chat').click();
    await chat.ready();
  };
  await chat.ready();
  await models.open(await writeTinyModel(dataDir), () => app.page.keyboard.press('ControlOrMeta+o'));
  await load('tiny-llama');
  await chat.openPanel('stop');
  await chat.set('maxTokens', 4);
  await chat.ask('Once upon a time');

  await models.show();
  await models.card('tiny-llama').getByTestId('unload-model').click();
  await models.select('tiny-llama');
  await models.id('context-size').fill('300');
  await models.id('context-size').press('Enter');
  await load('tiny-llama');
  expect(await runAgain(chat)).toBe('Identical');
  await expect(app.page.getByRole('row', { name: 'Context size 512 tokens 300 tokens' })).toBeVisible();
  await closeDialog(chat);

  const other = join(dataDir, 'other.gguf');
  const metadata = { 'general.name': { type: 'string', value: 'other-llama' } } as const;
  await writeFile(other, await rewriteGguf(await tinyGguf('llama'), { metadata }));
  await models.open(other, () => app.page.keyboard.press('ControlOrMeta+o'));
  await load('other-llama');
  expect(await runAgain(chat)).toBe('The reply cannot be repeated');
  await expect(
    app.page.getByRole('row', { name: /Model file llama\.gguf, SHA-256 \w{12}… other\.gguf, SHA-256 \w{12}…/ }),
  ).toBeVisible();
  await expectNoViolations(app.page, 'a reply of another model file');
  await closeDialog(chat);
  await choose(chat, 'save-receipt');
  await expect(chat.id('receipt-result')).toHaveText('The receipt was not saved');
});

test('a receipt is verified in the terminal, and refused if it was changed', async ({ app, dataDir }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 12);
  await chat.set('ignoreEos', true);
  await chat.ask('Once upon a time');
  const path = await saveReceipt(app, chat);
  const identical = await verify(dataDir, path, '--json');
  expect(identical.code, identical.stderr).toBe(0);
  expect(JSON.parse(identical.stdout)).toMatchObject({ result: 'identical', tokens: 12 });

  const receipt = JSON.parse(await readFile(path, 'utf8')) as { reply: { text: string } };
  receipt.reply.text += '!';
  await writeFile(path, JSON.stringify(receipt));
  const tampered = await verify(dataDir, path);
  expect(tampered.code).toBe(2);
  expect(tampered.stderr).toContain('The part "reply" does not match its SHA-256.');
});
