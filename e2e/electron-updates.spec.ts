/** Updates that ask first, from a server on this computer. The AppImage that is replaced is a script. */
import { chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChatPage } from './pages/chat.ts';
import { Guard } from './support/guard.ts';
import { launchElectronApp } from './support/electron-app.ts';
import { temporaryDataDir } from './support/shared-app.ts';
import { expect, test } from './support/test.ts';
import { startUpdateServer } from './support/update-server.ts';

test.skip(process.platform === 'win32', 'the AppImage is a shell script');

test('an update is offered, downloaded when asked, and installed on quit with all data @full', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenscope-update-'));
  const offered = join(folder, `tokenscope-9.0.0-linux-${process.arch}.AppImage`);
  await writeFile(offered, '#!/bin/sh\necho 9.0.0\n');
  const server = await startUpdateServer({ folder, version: '9.0.0', notes: 'Faster replies.' });
  const appImage = join(folder, 'Tokenscope.AppImage');
  await writeFile(appImage, '#!/bin/sh\necho 0.1.0\n');
  await chmod(appImage, 0o755);
  const configuration = join(folder, 'updates.json');
  await writeFile(configuration, JSON.stringify({ address: server.address, key: server.key, appImage }));
  const guard = new Guard();
  const dataDir = await temporaryDataDir();
  const app = await launchElectronApp({ dataDir, guard, env: { TOKENSCOPE_UPDATES: configuration } });
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.ask('Hello');

  await chat.id('open-settings').click();
  await expect(chat.id('setting-update-weekly')).not.toBeChecked();
  await expect(chat.id('update-text')).toHaveText('Not checked yet.');
  expect(server.requests).toEqual([]);
  await chat.id('update-check').click();
  await expect(chat.id('update-text')).toHaveText('Tokenscope 9.0.0 is available.');
  await expect(chat.id('update-notes')).toHaveText('Faster replies.');
  expect(server.requests).toHaveLength(2);
  await chat.id('update-download').click();
  await expect(chat.id('update-text')).toHaveAttribute('data-phase', 'ready');
  expect(await readFile(appImage, 'utf8')).toContain('0.1.0');

  expect(await app.close()).toEqual([]);
  expect(await readFile(appImage, 'utf8')).toContain('9.0.0');
  // Whatever starts next on this data has the chat and the settings.
  const next = await launchElectronApp({ dataDir, guard, env: { TOKENSCOPE_UPDATES: configuration } });
  const nextChat = new ChatPage(next.page);
  await nextChat.ready();
  await expect(nextChat.id('chat-item')).toHaveCount(1);
  expect(await next.close()).toEqual([]);
  expect(guard.problems()).toEqual([]);
  await server.close();
});
