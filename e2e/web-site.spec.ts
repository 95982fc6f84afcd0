/** The static web build: files of a web server, which may be gone, and everything else in the browser. */
import { chromium, type BrowserContext, type Page } from '@playwright/test';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildWeb, integrityOf } from '../scripts/build-web.ts';
import { findChromium } from '../scripts/lib/chromium.ts';
import { serveSite, type ServedSite } from '../scripts/web/serve-site.ts';
import { ChatPage } from './pages/chat.ts';
import { expectNoViolations } from './support/axe.ts';
import { Guard } from './support/guard.ts';
import { CHROMIUM_FLAGS, expect, test } from './support/test.ts';

let work: string;
let site: ServedSite;
let port: number;
let guard: Guard;

test.beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'tokenscope-site-'));
  await buildWeb(join(work, 'site'));
});
test.afterAll(async () => {
  await rm(work, { recursive: true, force: true });
});
test.beforeEach(async () => {
  site = await serveSite(join(work, 'site'));
  port = Number(new URL(site.address).port);
  guard = new Guard();
});
test.afterEach(async () => {
  await site.close().catch(() => undefined);
  expect(guard.problems()).toEqual([]);
});

/** Resolves to this computer, but is no secure origin to browsers. */
const HTTP_HOST = 'site.test';

/** A browser as a person has it, which remembers what sites store. */
async function browserOf(profile: string, host = '127.0.0.1'): Promise<{ context: BrowserContext; page: Page }> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('No Chromium found.');
  const context = await chromium.launchPersistentContext(join(work, profile), {
    executablePath,
    // The last rules count.
    args: [...CHROMIUM_FLAGS, `--host-resolver-rules=MAP ${HTTP_HOST} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`],
    viewport: { width: 1280, height: 800 },
  });
  guard.watch(context, `http://${host}:${port}`);
  const page = context.pages()[0] ?? (await context.newPage());
  return { context, page };
}

/** Resolves when the service worker has stored all files. */
async function installed(page: Page): Promise<void> {
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
}

/** The version of the build that is stored. */
async function storedVersion(page: Page): Promise<string> {
  const names = await page.evaluate(() => caches.keys());
  return (
    names
      .find((name) => name.startsWith('tokenscope-site '))
      ?.split(' ')
      .at(-1) ?? ''
  );
}

/** Makes another version of a build. @param changed contents of files that differ, by name */
async function changeVersion(folder: string, version: string, changed: Record<string, string> = {}): Promise<void> {
  const path = join(folder, 'service-worker.js');
  let script = (await readFile(path, 'utf8')).replaceAll(version, 'later');
  for (const [name, content] of Object.entries(changed)) {
    const file = join(folder, name);
    script = script.replaceAll(integrityOf(await readFile(file)), integrityOf(Buffer.from(content)));
    await writeFile(file, content);
  }
  await writeFile(path, script);
}

test('after the first visit it works without the server, also in a restarted browser @full', async () => {
  let { context, page } = await browserOf('offline');
  await page.goto(site.address);
  let chat = new ChatPage(page);
  await chat.ready();
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  const first = await chat.ask('Once upon a time');
  expect(first.text).not.toBe('');
  await installed(page);
  await chat.id('open-settings').click();
  await expect(chat.id('settings')).toContainText('saved in this browser');
  await chat.id('theme-select').selectOption('dark');
  await page.keyboard.press('Escape');

  await site.close();
  // Browsers look for a later build and fail.
  guard.allow(/ERR_CONNECTION_REFUSED|An unknown error occurred when fetching the script/);
  await page.reload();
  await chat.ready();
  await expect(chat.lastText).toHaveText(first.text);
  expect((await chat.ask('And then')).text).not.toBe('');
  await context.close();

  ({ context, page } = await browserOf('offline'));
  await page.goto(site.address);
  chat = new ChatPage(page);
  await chat.ready();
  await expect(chat.id('chat-item')).toHaveCount(1);
  await expect(chat.replies).toHaveCount(2);
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  await chat.id('nav-models').click();
  await expect(chat.id('model-card')).toHaveCount(1);
  await expect(chat.id('catalogue-filter')).toHaveCount(0);
  await expect(chat.id('executor-memory')).toHaveText([/^CPU [\d.]+\sMB/, /^GPU [\d.]+\sMB/]);
  await expectNoViolations(page, 'models of the static site');
  await context.close();
});

test('a full quota is reported, and nothing is lost @full', async () => {
  const { context, page } = await browserOf('quota');
  await page.goto(site.address);
  const chat = new ChatPage(page);
  await chat.ready();
  await chat.ask('One');
  await expect(chat.id('chat-unsaved')).toHaveCount(0);
  const session = await context.newCDPSession(page);
  const { origin } = new URL(site.address);
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1 });
  // The browser remembers how much is free for as long as a page uses the database.
  await page.goto('about:blank');
  await page.waitForTimeout(5000);
  await page.goto(site.address);
  await chat.ready();
  const second = await chat.ask('Two');
  await expect(chat.id('chat-unsaved')).toHaveCount(1);
  await chat.id('chat-unsaved').hover();
  await expect(page.getByText(/storage for Tokenscope is full/).first()).toBeVisible();
  const retry = await chat.id('chat-unsaved').elementHandle();
  // There is room again.
  await session.send('Storage.overrideQuotaForOrigin', { origin });
  // An automatic retry may already have removed the button.
  await retry?.evaluate((button) => (button as HTMLElement).click());
  await expect(chat.id('chat-unsaved')).toHaveCount(0);
  await page.reload();
  await chat.ready();
  await expect(chat.replies).toHaveCount(2);
  await expect(chat.lastText).toHaveText(second.text);
  await context.close();
});

test('tabs show the same chats, and a deleted one comes back @full', async () => {
  const { context, page } = await browserOf('tabs');
  await page.goto(site.address);
  const chat = new ChatPage(page);
  await chat.ready();
  await chat.ask('One');
  const other = new ChatPage(await context.newPage());
  await other.page.goto(site.address);
  await other.ready();
  await expect(other.replies).toHaveCount(1);
  await other.ask('Two');
  await expect(chat.replies).toHaveCount(2);
  await chat.chatMenu(chat.id('chat-item').first(), 'chat-delete');
  await expect(other.id('chat-item')).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(other.id('chat-item')).toHaveCount(1);
  await context.close();
});

test('a later build is used when all tabs are closed @full', async () => {
  const { context, page } = await browserOf('later');
  await page.goto(site.address);
  await new ChatPage(page).ready();
  await installed(page);
  const version = await storedVersion(page);
  await site.close();
  const folder = join(work, 'later-site');
  await buildWeb(folder);
  const facts = JSON.parse(await readFile(join(folder, 'site.json'), 'utf8')) as { about: { version: string } };
  facts.about.version = '9.9.9';
  await changeVersion(folder, version, { 'site.json': JSON.stringify(facts) });
  site = await serveSite(folder, port);
  await page.reload();
  await page.waitForFunction(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    return registration?.waiting !== null;
  });
  const shownVersion = async () => {
    // Without a tab of the site, until the old service worker has nothing to do any more.
    await page.goto('about:blank');
    await page.waitForTimeout(4000);
    await page.goto(site.address);
    const chat = new ChatPage(page);
    await chat.ready();
    await chat.id('open-settings').click();
    return await chat.id('about-version').innerText();
  };
  await expect.poll(shownVersion, { timeout: 40_000 }).toBe('9.9.9');
  await context.close();
});

test('a build is not stored while the server has a file of another one @full', async () => {
  await site.close();
  const folder = join(work, 'mixed');
  await cp(join(work, 'site'), folder, { recursive: true });
  const path = join(folder, 'site.json');
  const facts = await readFile(path, 'utf8');
  await writeFile(path, facts.replace(/"version":"[^"]*"/, '"version":"0.0.0"'));
  site = await serveSite(folder, port);
  const { context, page } = await browserOf('mixed');
  guard.allow(/integrity|Failed to fetch/);
  await page.goto(site.address);
  // The browser has tried, and has dropped the service worker.
  await page.waitForFunction(async () => {
    const isTried = (await caches.keys()).length > 0;
    return isTried && (await navigator.serviceWorker.getRegistration()) === undefined;
  });
  await writeFile(path, facts);
  await page.reload();
  await installed(page);
  await context.close();
});

test('builds in two folders of one origin leave each other alone @full', async () => {
  const folder = join(work, 'folders');
  for (const name of ['one', 'two']) await cp(join(work, 'site'), join(folder, name), { recursive: true });
  await site.close();
  site = await serveSite(folder, port);
  const { context, page } = await browserOf('folders');
  await page.goto(`${site.address}one/`);
  await installed(page);
  await changeVersion(join(folder, 'two'), await storedVersion(page));
  await page.goto(`${site.address}two/`);
  await installed(page);
  await site.close();
  guard.allow(/ERR_CONNECTION_REFUSED|An unknown error occurred when fetching the script/);
  for (const name of ['one', 'two']) {
    await page.goto(`${site.address}${name}/`);
    await new ChatPage(page).ready();
  }
  await context.close();
});

test('it works on plain http, where browsers offer less @full', async () => {
  const { context, page } = await browserOf('http', HTTP_HOST);
  // Browsers report the headers that they ignore.
  guard.allow(/header has been ignored, because the URL's origin was untrustworthy/);
  await page.goto(`http://${HTTP_HOST}:${port}/`);
  const chat = new ChatPage(page);
  await chat.ready();
  expect(await page.evaluate(() => isSecureContext)).toBe(false);
  const { text } = await chat.ask('Once upon a time');
  expect(text).not.toBe('');
  await page.reload();
  await chat.ready();
  await expect(chat.lastText).toHaveText(text);
  await context.close();
});
