/** Rates as tables and files, and the totals of a session. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatPage } from './pages/chat.ts';
import { ComparePage } from './pages/compare.ts';
import { NotebookPage } from './pages/notebook.ts';
import { expectNoViolations, expectNoViolationsIn } from './support/axe.ts';
import { saveOffered } from './support/saved-file.ts';
import { expect, test } from './support/test.ts';

test('the rate of a reply is a table and a file, and counts towards the session', async ({ app, dataDir }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.greedy();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 12);
  await chat.set('ignoreEos', true);
  expect((await chat.ask('Hello world')).reason).toBe('max_tokens');
  await chat.ask('The cat sat');
  await chat.openPanel('rate');

  await chat.id('rate-data-table').click();
  // A row per token, and the headings.
  await expect(chat.id('value-table').locator('tr')).toHaveCount(13);
  await chat.id('time-data-table').click();
  await expect(chat.id('value-table')).toHaveCount(2);
  await expectNoViolations(app.page, 'rates with their tables');
  await expectNoViolationsIn(['dark', 'contrast'], app.page, 'rates with their tables');

  const csv = join(dataDir, 'rate.csv');
  await chat.id('rate-data-export').click();
  expect(await saveOffered(app, csv, () => chat.id('rate-data-csv').click())).toBe('tokens-per-second.csv');
  const lines = (await readFile(csv, 'utf8')).trim().split('\r\n');
  expect(lines[0]).toBe('Token,ms,tok/s');
  expect(lines).toHaveLength(13);
  for (const data of ['rate-data', 'time-data']) {
    const png = join(dataDir, `${data}.png`);
    await chat.id(`${data}-export`).click();
    await saveOffered(app, png, () => chat.id(`${data}-png`).click());
    const picture = await readFile(png);
    expect(picture.subarray(1, 4).toString()).toBe('PNG');
    // 720 CSS pixels, twice as many of the screen's.
    expect(picture.readUInt32BE(16)).toBe(1440);
  }

  await chat.id('session-open').click();
  const totals = chat.id('session-table');
  await expect(totals.locator('thead th')).toHaveText(['TinyTransformer']);
  const figure = (name: string) => totals.locator('tbody tr').filter({ hasText: name }).locator('td');
  await expect(figure('Replies')).toHaveText('2');
  await expect(figure('Generated tokens')).toHaveText('24');
  await expectNoViolations(app.page, 'the totals of the session');
  await expectNoViolationsIn(['dark', 'contrast'], app.page, 'the totals of the session');
  const session = join(dataDir, 'session.csv');
  await chat.id('session-data-export').click();
  expect(await saveOffered(app, session, () => chat.id('session-data-csv').click())).toBe('session.csv');
  expect(await readFile(session, 'utf8')).toMatch(/^Model,Replies,[^\n]*\r\nTinyTransformer,2,/);
  const picture = join(dataDir, 'session.png');
  await chat.id('session-data-export').click();
  await saveOffered(app, picture, () => chat.id('session-data-png').click());
  // A row of 44 pixels for the only model, below the title.
  expect((await readFile(picture)).readUInt32BE(20)).toBe(2 * (56 + 48 + 44));
});

test('lanes and notebooks count towards the session', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  const compare = new ComparePage(app.page);
  const notebook = new NotebookPage(app.page);
  await chat.ready();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 12);
  await chat.set('ignoreEos', true);
  await compare.show();
  await compare.compare('Hello world');
  await expect.poll(async () => (await app.services.invoke('comparisonsList')).length).toBe(1);
  const [run] = await app.services.invoke('comparisonsList');
  const { lanes = [] } = (await app.services.invoke('comparisonRead', run?.id ?? '')) ?? {};
  const lengths = lanes.flatMap(({ replies }) => replies.map(({ tokens }) => tokens.ids.length));
  await app.page.keyboard.press('Control+1');
  await notebook.open();
  await app.page.keyboard.type('The cat sat');
  await app.page.keyboard.press('Control+Enter');
  await notebook.finished();
  await chat.newChat();
  await chat.openPanel('rate');
  await chat.id('session-open').click();
  const figure = (name: string) => chat.id('session-table').locator('tbody tr').filter({ hasText: name }).locator('td');
  await expect(figure('Replies')).toHaveText(String(lengths.length + 1));
  const total = lengths.reduce((sum, tokens) => sum + tokens, 12);
  await expect(figure('Generated tokens')).toHaveText(total.toLocaleString('en'));
});

test('the candidates for the next token are a table, too', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.openPanel('sampling');
  const card = chat.id('next-token');
  const chart = card.getByRole('img');
  const height = async () => (await card.boundingBox())?.height;
  await chat.id('composer').fill('The cat sat on the');
  await expect(chart).toBeVisible();
  const before = await height();
  // A long token gives way to the title and the legend.
  await chat.id('next-token-best').evaluate((best) => (best.textContent = '<|im_start|>assistant'));
  const rowHeights = [card.getByText('Next token', { exact: true }), card.getByRole('list')].map(async (part) => {
    return (await part.boundingBox())?.height;
  });
  expect(await Promise.all(rowHeights)).toEqual([16, 16]);
  expect(await height()).toBe(before);
  await chat.id('next-token-table').click();
  await expect(card.locator('tbody tr')).toHaveCount(14);
  await expect(chart).toBeHidden();
  expect(await height(), 'nothing below moves').toBe(before);
  await expectNoViolationsIn(['light', 'dark', 'contrast'], app.page, 'candidates as a table');

  // It does not fit the window, so there are none.
  await chat.id('composer').fill('the cat '.repeat(600).trim());
  await expect(card).toContainText('Candidates for the next token appear here.');
  await expect(chart).toBeHidden();
  expect(await height(), 'nothing below moves').toBe(before);
});
