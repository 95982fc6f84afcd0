/** Messages while the app may not write, and notices from before its page was open. */
import type { Browser } from '@playwright/test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatPage } from './pages/chat.ts';
import type { Host, RunningApp } from './support/app.ts';
import { expectNoViolations } from './support/axe.ts';
import { launchElectronApp } from './support/electron-app.ts';
import { Guard } from './support/guard.ts';
import { expect, test } from './support/test.ts';
import { launchWebApp, startServer, stopServer } from './support/web-app.ts';
import { signedInAddress } from './support/web-key.ts';

// They start the apps themselves.
test.use({ freshApp: true });

/** Starts the app on a data folder that is not empty. */
async function launch(host: Host, openChromium: () => Promise<Browser>, dataDir: string): Promise<RunningApp> {
  const options = { dataDir, guard: new Guard() };
  return host === 'electron' ? await launchElectronApp(options) : await launchWebApp(await openChromium(), options);
}

/** In the page: records everything in its live region, which changes soon. */
function recordAnnouncements(): void {
  const announced: string[] = [];
  Object.assign(window, { announced });
  new MutationObserver(() => {
    const text = document.querySelector('[data-testid="live-region"]')?.textContent.trim() ?? '';
    if (text !== '' && text !== announced.at(-1)) announced.push(text);
  }).observe(document, { childList: true, characterData: true, subtree: true });
}

test('a second instance reports what it does not save, also after a reload, until the first is closed', async ({
  host,
  openChromium,
  dataDir,
}) => {
  const first = await startServer({ dataDir });
  const app = await launch(host, openChromium, dataDir);
  try {
    const chat = new ChatPage(app.page);
    await chat.ready();
    const banner = chat.id('read-only');
    await expect(banner).toContainText('Another Tokenscope (in the browser');
    await expectNoViolations(app.page, 'the read-only banner');
    await app.page.reload();
    await chat.ready();
    await expect(banner).toContainText(
      'Chats are saved here too, but settings are saved only after the other one is closed.',
    );
    if (host === 'web') {
      const tab = await app.context.newPage();
      await tab.goto(await signedInAddress(app.origin, dataDir));
      await expect(tab.getByTestId('read-only')).toBeVisible();
    }
    await stopServer(first.child);
    await expect(banner).toBeHidden();
  } finally {
    await app.close();
    await stopServer(first.child);
  }
  expect(app.guard.problems()).toEqual([]);
});

test(
  'a notice from before the page was open is shown on every page until it is dismissed',
  { tag: '@full' },
  async ({ host, openChromium, dataDir }) => {
    await writeFile(join(dataDir, 'settings.json'), '{ damaged');
    const app = await launch(host, openChromium, dataDir);
    try {
      const chat = new ChatPage(app.page);
      await chat.ready();
      const notice = chat.id('app-notice');
      await expect(notice).toContainText('The settings could not be read');
      await app.page.addInitScript(recordAnnouncements);
      await app.page.reload();
      await chat.ready();
      await expect(notice).toHaveCount(1);
      const announced = () =>
        app.page.evaluate(() => (window as unknown as { announced: string[] }).announced.join('\n'));
      await expect.poll(announced).toContain('The settings could not be read');
      await expectNoViolations(app.page, 'a notice');
      if (host === 'web') {
        const tab = await app.context.newPage();
        await tab.goto(await signedInAddress(app.origin, dataDir));
        await expect(tab.getByTestId('app-notice')).toContainText('The settings could not be read');
      }
      await notice.getByRole('button', { name: 'Dismiss' }).click();
      await expect(notice).toBeHidden();
      await app.page.reload();
      await chat.ready();
      // All notices are shown by now.
      await app.services.invoke('about');
      await expect(notice).toBeHidden();
    } finally {
      await app.close();
    }
    expect(app.guard.problems()).toEqual([]);
  },
);
