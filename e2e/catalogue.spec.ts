/** Downloading models from the catalogue by clicks only. */
import { copyFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { capture, root } from '../scripts/lib/run.ts';
import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import { expectNoViolations, expectNoViolationsIn } from './support/axe.ts';
import { startDownloadServer } from './support/download-server.ts';
import { expect, test, type Hub, type RunningApp } from './support/hub.ts';

async function open(app: RunningApp): Promise<ModelsPage> {
  const models = new ModelsPage(app);
  await new ChatPage(app.page).ready();
  await models.show();
  await expect(models.id('catalogue-entry')).toHaveCount(4);
  return models;
}

/** Names of the files in the download folder. */
async function modelFiles(dataDir: string): Promise<string[]> {
  return await readdir(join(dataDir, 'models')).catch(() => []);
}

/** A slow file: 15 kB five times a second, nine seconds in all. */
function slowly(hub: Hub): void {
  hub.server.behave(hub.path(hub.tiny), { kind: 'slow', chunkBytes: 15_000, waitMs: 200, times: 1 });
}

test('no request before a click; an interrupted download resumes, is verified, can be used, and is logged', async ({
  app,
  hub,
}) => {
  const models = await open(app);
  const { id, bytes = 0 } = hub.tiny;
  // Browsing sends no request.
  await models.entry(id).getByRole('button', { name: hub.tiny.name, exact: true }).click();
  await expect(models.id('entry-url')).toHaveText(hub.server.url + hub.path(hub.tiny));
  await expect(models.control(id, 'fit')).toHaveText('Fits');
  await expect(models.entry(id)).toContainText(`${hub.tiny.quantisation} · ${hub.tiny.description}`);
  await expect(models.entry(hub.huge.id).getByTestId('fit')).toHaveText('Too large');
  await expect(models.id('entry-memory')).toContainText('KV cache, 512 tokens');
  await models.id('look-again').click();
  await models.id('catalogue-filter').fill('terms');
  await expect(models.id('catalogue-entry')).toHaveCount(1);
  await models.id('catalogue-filter').fill('');
  expect(await models.networkLog()).toEqual([]);
  await app.page.keyboard.press('Escape');
  expect(hub.server.requests).toEqual([]);

  hub.server.behave(hub.path(hub.tiny), { kind: 'cut', afterBytes: 200_000, times: 1 });
  await models.control(id, 'download').click();
  await models.expectPhase(id, 'here');
  expect(hub.server.requests).toHaveLength(2);
  expect(hub.server.requests[1]?.range).toMatch(/^bytes=\d+-$/);
  const log = await logOf(models, ['failed', 'done']);
  for (const { text } of log) expect(text).toContain(hub.server.url + hub.path(hub.tiny));
  expect(log[0]?.text).toContain(`Download of ${hub.tiny.name}, started by you.`);
  expect(log.reduce((sum, one) => sum + one.bytes, 0)).toBe(bytes);
  await app.page.keyboard.press('Escape');
  await expect(models.id('network-requests')).toHaveAttribute('data-count', '2');

  // It has the name of its catalogue entry.
  await models.control(id, 'show-downloaded').click();
  await expect(models.id('detail-name')).toHaveText(hub.tiny.name);
  await models.load(hub.tiny.name);
  await models.card(hub.tiny.name).getByTestId('use-model').click();
  const chat = new ChatPage(app.page);
  await expect(chat.id('sidebar-model')).toContainText(hub.tiny.name);
  await chat.openPanel('stop');
  await chat.set('maxTokens', 4);
  await chat.ask('Once upon a time');
  expect(hub.server.requests).toHaveLength(2);
});

test(
  'a slow download shows progress, pauses, resumes, and can be cancelled',
  { tag: '@full' },
  async ({ app, dataDir, hub }) => {
    const models = await open(app);
    const { id } = hub.tiny;
    slowly(hub);
    await models.control(id, 'download').click();
    await expect(models.control(id, 'download-progress')).toContainText(/\d+ of 69\d\skB, [\d.]+\skB\/s, \d+\ss left/);
    await expect(models.id('network-requests')).toContainText('1 network request: your download');
    await models.control(id, 'download-pause').click();
    await models.expectPhase(id, 'paused');
    await expect(models.control(id, 'download-progress')).toContainText(/Paused at \d+ of 69\d\skB/);
    const { size } = await stat(join(dataDir, 'models', `${hub.tiny.file}.part`));
    expect(size).toBeGreaterThan(0);
    expect(hub.server.requests).toHaveLength(1);

    slowly(hub);
    await models.control(id, 'download-resume').click();
    await models.expectPhase(id, 'downloading');
    expect(hub.server.requests[1]?.range).toBe(`bytes=${size}-`);
    await models.control(id, 'download-cancel').click();
    await models.expectPhase(id, 'none');
    expect(await modelFiles(dataDir)).toEqual([]);
    await logOf(models, ['failed', 'failed']);
  },
);

test(
  'two starts at once make one download; a web page instead of the rest loses nothing; a copy is not deleted',
  { tag: '@full' },
  async ({ app, dataDir, hub }) => {
    const models = await open(app);
    const { id, file } = hub.tiny;
    slowly(hub);
    const start = () => app.services.invoke('downloadStart', { catalogueId: id, termsAccepted: false });
    await Promise.all([start(), start()]);
    await expect(models.control(id, 'download-progress')).toContainText(/[1-9]\d* of 69\d\skB/);
    await models.control(id, 'download-pause').click();
    await models.expectPhase(id, 'paused');
    expect(hub.server.requests).toHaveLength(1);
    const part = join(dataDir, 'models', `${file}.part`);
    const { size } = await stat(part);

    hub.server.behave(hub.path(hub.tiny), { kind: 'page', length: true });
    await models.control(id, 'download-resume').click();
    await expect(models.control(id, 'download-problem')).toContainText(
      'Nothing was downloaded; the earlier part is kept.',
    );
    expect((await stat(part)).size).toBe(size);
    hub.server.behave(hub.path(hub.tiny));
    await models.control(id, 'download-retry').click();
    await models.expectPhase(id, 'here');
    expect(hub.server.requests.at(-1)?.range).toBe(`bytes=${size}-`);

    // Located to a copy of their own, it is no longer Tokenscope's to delete.
    const copy = join(dataDir, 'my-copy.gguf');
    await copyFile(join(dataDir, 'models', file), copy);
    const { code, stderr } = await capture(
      process.execPath,
      [join(root, 'scripts/tokenscope.mjs'), 'models', 'locate', id, copy],
      { env: { ...process.env, TOKENSCOPE_DATA_DIR: dataDir } },
    );
    expect(code, stderr).toBe(0);
    await models.id('nav-chat').click();
    await models.show();
    await models.card(hub.tiny.name).getByTestId('model-menu').click();
    await expect(models.id('remove-model')).toBeVisible();
    await expect(models.id('delete-model')).toBeHidden();
  },
);

test.describe('with a server that may be silent for a second', () => {
  test.use({ downloadTimeoutMs: 1000 });

  test(
    'a download that fails names the cause: hash, HTTP, redirect, time, DNS, TLS or disk; trying again works',
    { tag: '@full' },
    async ({ app, dataDir, hub }) => {
      // The silent server is asked six times.
      test.slow();
      const models = await open(app);
      const path = hub.path(hub.tiny);
      const { id } = hub.tiny;
      const problem = models.control(id, 'download-problem');
      const expectProblem = async (kind: string, words: RegExp) => {
        await expect(problem).toHaveAttribute('data-kind', kind, { timeout: 30_000 });
        await expect(problem).toContainText(words);
      };
      hub.server.behave(path, { kind: 'otherBytes' });
      await models.control(id, 'download').click();
      await expectProblem('hash', /Checksum mismatch.*its SHA-256 is [0-9a-f]{64} instead of [0-9a-f]{64}/s);

      const retry = () => models.control(id, 'download-retry').click();
      hub.server.behave(path, { kind: 'status', status: 404 });
      await retry();
      await expectProblem('http', /HTTP 404.*the file was not found/s);
      hub.server.behave(path, { kind: 'redirect', to: 'http://example.org/model' });
      await retry();
      await expectProblem('redirect', /Redirect blocked.*http:\/\/example\.org/s);
      hub.server.behave(path, { kind: 'hang' });
      await retry();
      await expectProblem('timeout', /Timed out.*did not respond within 1 seconds/s);

      const tls = await startDownloadServer({ tls: true });
      await setMirror(models, tls.url);
      await retry();
      await expectProblem('tls', /Not secure \(TLS\).*nothing was downloaded/s);
      await tls.close();
      await setMirror(models, 'https://hub.invalid');
      await retry();
      await expectProblem('dns', /Host not found.*hub\.invalid/s);
      expect(await modelFiles(dataDir)).toEqual([]);

      // Only now the server says that the file is larger than the disk.
      hub.server.behave(hub.path(hub.unchecked), { kind: 'claims', bytes: 10 ** 15 });
      await setMirror(models, '');
      await models.control(hub.unchecked.id, 'download').click();
      const full = models.control(hub.unchecked.id, 'download-problem');
      await expect(full).toHaveAttribute('data-kind', 'disk');
      await expect(full).toContainText(/Disk error.*Free some space, or choose another models folder/s);
      await models.control(hub.unchecked.id, 'download-cancel').click();
      await expect(full).toBeHidden();

      // The right one redirects to another address, which is followed and logged.
      hub.server.behave(path, { kind: 'redirect', to: `${hub.server.url}${hub.path(hub.withTerms)}` });
      await retry();
      await models.expectPhase(id, 'here');
      await expect
        .poll(async () => (await models.networkLog()).at(-1))
        .toMatchObject({ result: 'done', bytes: hub.tiny.bytes });
      const log = await models.networkLog();
      expect(log.at(-2)).toMatchObject({ result: 'done', bytes: 0 });
      expect(log.at(-2)?.text).toContain('Redirected (302).');
      expect(log.at(-1)?.text).toContain(hub.path(hub.withTerms));
    },
  );
});

test(
  'a model that does not fit in memory says by how much and is not offered',
  { tag: '@full' },
  async ({ app, hub }) => {
    const models = await open(app);
    await expect(models.control(hub.huge.id, 'too-large')).toContainText(/Needs \d+\sTB more/);
    await expect(models.control(hub.huge.id, 'download')).toBeHidden();
    await models.entry(hub.huge.id).getByRole('button', { name: hub.huge.name, exact: true }).click();
    await expect(models.id('detail')).toContainText(/A context of 512 tokens needs 1000\sTB; .*Choose a smaller/);
    await expect(models.id('detail').getByTestId('download')).toBeHidden();
  },
);

test(
  'an app that is killed during a download shows its progress, and resumes only on demand',
  { tag: '@full' },
  async ({ app, dataDir, hub }) => {
    let models = await open(app);
    const { id } = hub.tiny;
    slowly(hub);
    await models.control(id, 'download').click();
    const part = join(dataDir, 'models', `${hub.tiny.file}.part`);
    await expect.poll(async () => (await stat(part).catch(() => null))?.size ?? 0).toBeGreaterThan(100_000);
    await app.crash();
    models = await open(app);
    await models.expectPhase(id, 'paused');
    await expect(models.control(id, 'download-progress')).toContainText(/Paused at \d+ of 69\d\skB/);
    expect(hub.server.requests).toHaveLength(1);
    const { size } = await stat(part);
    await models.control(id, 'download-resume').click();
    await models.expectPhase(id, 'here');
    expect(hub.server.requests[1]?.range).toBe(`bytes=${size}-`);
    expect(await modelFiles(dataDir)).toEqual([hub.tiny.file]);
  },
);

test(
  'a model whose file was deleted meanwhile is offered for download again',
  { tag: '@full' },
  async ({ app, dataDir, hub }) => {
    const models = await open(app);
    const { id, file, name } = hub.tiny;
    await models.control(id, 'download').click();
    await models.expectPhase(id, 'here');
    await expect(models.card(name)).toContainText('Ready');
    await rm(join(dataDir, 'models', file));
    // As when its window is in front again.
    await app.page.evaluate(() => window.dispatchEvent(new Event('focus')));
    await expect(models.card(name)).toContainText('Missing');
    await models.control(id, 'download').click();
    await models.expectPhase(id, 'here');
    await expect(models.card(name)).toContainText('Ready');
    expect(await modelFiles(dataDir)).toEqual([file]);
    expect(hub.server.requests).toHaveLength(2);
  },
);

test(
  'terms are read and accepted before any request; all of it without a mouse',
  { tag: '@full' },
  async ({ app, dataDir, hub }) => {
    const models = await open(app);
    const { page } = app;
    const { keyboard } = page;
    const name = hub.withTerms.name;
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await keyboard.press('Control+3');
    await models.tabTo(models.id('catalogue-filter'));
    await keyboard.type('terms');
    await models.tabTo(models.control(hub.withTerms.id, 'read-terms'));
    await keyboard.press('Enter');
    const terms = models.id('terms');
    await expect(terms).toContainText('Tiny Terms');
    await expect(terms).toContainText('https://example.org/terms');
    await expect(models.id('download-accepted')).toBeDisabled();
    await models.tabTo(models.id('accept-terms'));
    await keyboard.press('Space');
    await models.tabTo(models.id('download-accepted'));
    expect(hub.server.requests).toEqual([]);
    await keyboard.press('Enter');
    await models.expectPhase(hub.withTerms.id, 'here');

    const card = models.card(name);
    await models.tabTo(card.getByTestId('load-model'));
    await keyboard.press('Enter');
    await expect(card).toContainText('Loaded');
    await models.tabTo(card.getByTestId('unload-model'));
    await keyboard.press('Enter');
    await expect(card).toContainText('Ready');
    await models.tabTo(card.getByTestId('model-menu'));
    await keyboard.press('Enter');
    await expect(models.id('delete-model')).toBeVisible();
    // The menu accepts keys a moment after it appears.
    await expect(async () => {
      await keyboard.press('End');
      await expect(models.id('delete-model')).toBeFocused({ timeout: 500 });
    }).toPass();
    await keyboard.press('Enter');
    // The safe choice has the focus.
    await expect(models.id('delete-dialog')).toContainText(hub.withTerms.file);
    await expect(page.getByRole('button', { name: 'Cancel' })).toBeFocused();
    await models.tabTo(models.id('confirm-delete'));
    await keyboard.press('Enter');
    await expect(card).toBeHidden();
    expect(await modelFiles(dataDir)).toEqual([]);
  },
);

test('no violation in any state of the catalogue, in any theme', { tag: '@full' }, async ({ app, hub }) => {
  const models = await open(app);
  const { page } = app;
  slowly(hub);
  await models.control(hub.tiny.id, 'download').click();
  await models.expectPhase(hub.tiny.id, 'downloading');
  await models.control(hub.tiny.id, 'download-pause').click();
  await models.expectPhase(hub.tiny.id, 'paused');
  hub.server.behave(hub.path(hub.unchecked), { kind: 'status', status: 404 });
  await models.control(hub.unchecked.id, 'download').click();
  await models.expectPhase(hub.unchecked.id, 'failed');
  await models.entry(hub.tiny.id).getByRole('button', { name: hub.tiny.name, exact: true }).click();
  const look = async (view: string) => {
    await expectNoViolations(page, view);
    await expectNoViolationsIn(['dark', 'contrast'], page, view);
  };
  await models.id('open-settings').click();
  await models.id('theme-select').selectOption('light');
  await look('settings with requests');
  await page.keyboard.press('Escape');
  await look('catalogue');
  await models.control(hub.withTerms.id, 'read-terms').click();
  await look('terms');
  await page.keyboard.press('Escape');
  await page.setViewportSize({ width: 480, height: 800 });
  await expectNoViolations(page, 'catalogue, narrow');
  await models.entry(hub.tiny.id).getByRole('button', { name: hub.tiny.name, exact: true }).click();
  await expect(models.id('entry-url')).toBeVisible();
  await expectNoViolations(page, 'details as a drawer');
});

async function setMirror(models: ModelsPage, address: string): Promise<void> {
  await models.id('open-settings').click();
  await models.id('download-mirror').fill(address);
  await models.id('download-mirror').press('Enter');
  await models.app.page.keyboard.press('Escape');
  await expect
    .poll(async () => (await models.app.services.invoke('settingsGet')).downloads.mirror)
    .toBe(address || null);
}

/** The requests in the settings' log, once they have these results: the page hears of them a moment later. */
async function logOf(models: ModelsPage, results: string[]) {
  await expect.poll(async () => (await models.networkLog()).map(({ result }) => result)).toEqual(results);
  return await models.networkLog();
}
