/** Files that the app cannot use: it starts nevertheless, and does not change them. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatPage } from './pages/chat.ts';
import { expect, test as base } from './support/test.ts';

const LATER = '{"version":99,"theme":"dark","shelf":[1]}';

const test = base.extend<{ settings: 'a folder' | 'of a later version' }>({
  settings: ['a folder', { option: true }],
  dataDir: async ({ dataDir, settings }, use) => {
    const path = join(dataDir, 'settings.json');
    if (settings === 'a folder') {
      await mkdir(path);
      await mkdir(join(dataDir, 'models.json'));
    } else await writeFile(path, LATER);
    await use(dataDir);
  },
});

test.use({ freshApp: true });

test('starts if settings and the list of models cannot be read', async ({ app, dataDir }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  expect(await app.services.invoke('settingsSet', { theme: 'contrast' })).toMatchObject({ theme: 'contrast' });
  expect(await app.services.invoke('modelsList')).toMatchObject([{ id: 'tiny-transformer' }]);
  for (const name of ['settings.json', 'models.json']) expect(await readdir(join(dataDir, name))).toEqual([]);
});

test.describe('after a later version', () => {
  test.use({ settings: 'of a later version' });

  test('reads the settings it knows, and does not overwrite them', { tag: '@full' }, async ({ app, dataDir }) => {
    await new ChatPage(app.page).ready();
    expect(await app.services.invoke('settingsGet')).toMatchObject({ theme: 'dark' });
    expect(await app.services.invoke('settingsSet', { theme: 'light' })).toMatchObject({ theme: 'light' });
    expect(await app.services.invoke('settingsGet')).toMatchObject({ theme: 'light' });
    expect(await readFile(join(dataDir, 'settings.json'), 'utf8')).toBe(LATER);
  });
});
