/** Rates as tables and files, and the totals of a session. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatPage } from './pages/chat.ts';
import { expectNoViolations } from './support/axe.ts';
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

  const csv = join(dataDir, 'rate.csv');
  await chat.id('rate-data-export').click();
  expect(await saveOffered(app, csv, () => chat.id('rate-data-csv').click())).toBe('tokens-per-second.csv');
  const lines = (await readFile(csv, 'utf8')).trim().split('\r\n');
  expect(lines[0]).toBe('token,ms,tokens per second');
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
  const row = chat.id('session-rates').getByTestId('value-table').locator('tbody tr');
  await expect(row).toHaveCount(1);
  await expect(row.locator('td').nth(0)).toHaveText('TinyTransformer');
  await expect(row.locator('td').nth(1)).toHaveText('2');
  await expect(row.locator('td').nth(4)).toHaveText('24');
  await expectNoViolations(app.page, 'the totals of the session');
});
