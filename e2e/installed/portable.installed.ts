/** The AppImage and the archive, which run without being installed. */
import { expect, test } from '@playwright/test';
import { basename } from 'node:path';
import { cleanRoot, hasFuse, USER, type CleanRoot } from './clean-root.ts';
import { startInstalled } from './installed-app.ts';
import { installer, VERSION } from './installers.ts';

const asUser = { asUser: true };

async function answers(root: CleanRoot, command: string[], env: Record<string, string> = {}): Promise<void> {
  const app = await startInstalled(root, command, env);
  await app.chat.ready();
  expect((await app.chat.ask('Hello world')).reason).toMatch(/^(eos|max_tokens|repetition)$/);
  expect((await app.seccomp()).get('renderer'), 'the page runs in the sandbox').toBe(2);
  await app.quit();
}

test('the AppImage runs, mounted and unpacked', async () => {
  const root = await cleanRoot();
  try {
    const path = `${USER.home}/${basename(installer('AppImage'))}`;
    await root.add(installer('AppImage'), path);
    await root.must(['chmod', '755', path]);
    const before = await root.paths();
    if (hasFuse()) await answers(root, [path]);
    await answers(root, [path], { APPIMAGE_EXTRACT_AND_RUN: '1' });
    expect(await root.must([path, '--cli', '--no-sandbox', '--', '--version'], asUser)).toBe(`${VERSION}\n`);
    const left = (await root.paths()).filter((found) => !before.includes(found) && !found.startsWith('home/'));
    expect(left.filter((found) => found.includes('okenscope'))).toEqual([]);
  } finally {
    await root.dispose();
  }
});

test('the archive runs, with its command line tool', async () => {
  const root = await cleanRoot();
  try {
    await root.add(installer('tar.gz'), 'tmp/app.tar.gz');
    await root.must(['tar', '-xzf', '/tmp/app.tar.gz', '-C', USER.home], asUser);
    const [folder = ''] = (await root.must(['sh', '-c', 'ls -d tokenscope-*/'], asUser)).split('\n');
    await answers(root, [`${USER.home}/${folder}tokenscope`]);
    const tool = `${USER.home}/${folder}resources/bin/tokenscope`;
    expect(await root.must([tool, '--version'], asUser)).toBe(`${VERSION}\n`);
    // Through a link from a folder of the path, as people install it.
    await root.must(['ln', '-s', tool, `${USER.home}/tokenscope-link`], asUser);
    expect(await root.must([`${USER.home}/tokenscope-link`, '--version'], asUser)).toBe(`${VERSION}\n`);
  } finally {
    await root.dispose();
  }
});
