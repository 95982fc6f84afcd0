import { expect, test } from 'vitest';
import { fileNameFor, installationOf } from './installation.ts';

test('installations and their files', () => {
  const running = { isPackaged: true, env: {}, exists: () => true, isWritable: () => true };
  const linux = { ...running, platform: 'linux' } as const;
  expect(installationOf({ ...linux, execPath: '/opt/Tokenscope/tokenscope' })).toMatchObject({
    kind: 'other',
    reason: expect.stringContaining('package manager') as string,
  });
  expect(installationOf({ ...linux, execPath: '/home/a/t/tokenscope' })).toMatchObject({ target: '/home/a/t' });
  const mounted = { APPIMAGE: '/home/a/T.AppImage', APPDIR: '/tmp/.mount_T' };
  expect(installationOf({ ...linux, execPath: '/tmp/.mount_T/tokenscope', env: mounted })).toMatchObject({
    kind: 'AppImage',
    target: '/home/a/T.AppImage',
  });
  // Started by another AppImage.
  expect(installationOf({ ...linux, execPath: '/home/a/t/tokenscope', env: mounted })).toMatchObject({
    kind: 'tar.gz',
    target: '/home/a/t',
  });
  expect(
    installationOf({ ...linux, execPath: '/usr/lib/t/tokenscope', isWritable: (path) => path !== '/usr/lib' }),
  ).toMatchObject({ kind: 'other', reason: expect.stringContaining('cannot write to /usr/lib') as string });
  expect(installationOf({ ...running, platform: 'win32', execPath: 'C:\\T\\Tokenscope.exe' }).kind).toBe('exe');
  expect(installationOf({ ...running, platform: 'darwin', execPath: '/Applications/T' }).kind).toBe('other');
  expect(installationOf({ ...linux, isPackaged: false, execPath: '/x' }).kind).toBe('other');
  expect(fileNameFor('exe', '1.2.3', 'win32', 'x64')).toBe('tokenscope-1.2.3-win-x64.exe');
});
