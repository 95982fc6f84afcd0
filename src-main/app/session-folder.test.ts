import { chmod, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../services/test-support/support.ts';
import { createSessionFolder, requireLockable } from './session-folder.ts';

test('the folder is created once, in a data folder that need not exist', async () => {
  const folder = join(await temporaryFolder(), 'data');
  const path = createSessionFolder(folder);
  expect(path).toBe(join(folder, 'session'));
  expect((await stat(path)).isDirectory()).toBe(true);
  expect(createSessionFolder(folder)).toBe(path);
  expect(() => requireLockable(folder)).not.toThrow();
});

test('a data folder that cannot be used is named with what to do', async () => {
  const file = join(await temporaryFolder(), 'file');
  await writeFile(file, '');
  for (const use of [createSessionFolder, requireLockable]) {
    const folder = join(file, 'data');
    expect(() => use(folder)).toThrow(folder);
    expect(() => use(folder)).toThrow('set TOKENSCOPE_DATA_DIR to another folder');
  }
});

// Permissions do not apply to root.
test.skipIf(process.platform === 'win32' || process.getuid?.() === 0)(
  'a folder without permission is named (needs a user other than root)',
  async () => {
    const folder = await temporaryFolder();
    await chmod(folder, 0o500);
    for (const use of [createSessionFolder, requireLockable]) {
      expect(() => use(folder)).toThrow('permission denied. Check the folder’s permissions.');
    }
    await chmod(folder, 0o700);
  },
);

test.skipIf(process.platform === 'win32')('while the app runs, the folder need not be writable', async () => {
  const folder = await temporaryFolder();
  await symlink('machine-1234', join(folder, 'SingletonLock'));
  await chmod(folder, 0o500);
  expect(() => requireLockable(folder)).not.toThrow();
  await chmod(folder, 0o700);
});
