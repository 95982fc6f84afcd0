import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../services/test-support/support.ts';
import { installTool, toolScript, type InstalledApp } from './command-line-tool.ts';

const installed: InstalledApp = {
  platform: 'linux',
  isPackaged: true,
  execPath: '/home/ada/tokenscope/tokenscope',
  resourcesPath: '/home/ada/tokenscope/resources',
  home: '/home/ada',
  env: {},
};

test('a package has installed the tool, and a development build has none', () => {
  expect(toolScript({ ...installed, execPath: '/opt/Tokenscope/tokenscope' })).toBeNull();
  expect(toolScript({ ...installed, isPackaged: false })).toBeNull();
});

test('an AppImage is started where its file is, not where it is mounted', () => {
  const mounted = { APPIMAGE: "/home/ada/it's/T.AppImage", APPDIR: '/tmp/.mount_T' };
  const script = toolScript({ ...installed, execPath: '/tmp/.mount_T/tokenscope', env: mounted });
  expect(script?.path).toBe('/home/ada/.local/bin/tokenscope');
  expect(script?.content).toContain(String.raw`exec '/home/ada/it'\''s/T.AppImage' --cli`);
  // Started by another AppImage.
  expect(toolScript({ ...installed, env: mounted })?.content).toContain(
    'exec \'/home/ada/tokenscope/resources/bin/tokenscope\' "$@"',
  );
});

test('Windows has a command file in a folder of the path', () => {
  const script = toolScript({
    ...installed,
    platform: 'win32',
    resourcesPath: String.raw`C:\100%\Tokenscope\resources`,
    env: { LOCALAPPDATA: String.raw`C:\Users\ada\AppData\Local` },
  });
  expect(script?.path).toBe(String.raw`C:\Users\ada\AppData\Local\Microsoft\WindowsApps\tokenscope.cmd`);
  expect(script?.content).toContain(String.raw`"C:\100%%\Tokenscope\resources\bin\tokenscope.cmd" %*`);
  // `cmd` does not read it as UTF-8.
  const local = String.raw`C:\Users\José\AppData\Local`;
  const resourcesPath = String.raw`${local}\Programs\Tokenscope\resources`;
  expect(
    toolScript({ ...installed, platform: 'win32', resourcesPath, env: { LOCALAPPDATA: local } })?.content,
  ).toContain(String.raw`@"%LOCALAPPDATA%\Programs\Tokenscope\resources\bin\tokenscope.cmd" %*`);
});

test('a command file has no letters that `cmd` may read as others', async () => {
  const windows = { ...installed, platform: 'win32' as const, home: String.raw`C:\Users\Jürgen` };
  const scriptIn = (resourcesPath: string, env = {}) => toolScript({ ...windows, resourcesPath, env })!;
  const downloads = scriptIn(String.raw`C:\Users\Jürgen\Downloads\T\resources`);
  expect(downloads.content).toContain(String.raw`@"%USERPROFILE%\Downloads\T\resources\bin\tokenscope.cmd" %*`);
  expect(downloads.content).toMatch(/^\p{ASCII}*$/u);
  expect(downloads.problem).toBeUndefined();
  // Windows ignores case.
  const local = { LOCALAPPDATA: String.raw`c:\users\jürgen\AppData\Local` };
  expect(scriptIn(String.raw`C:\Users\JÜRGEN\AppData\Local\T\resources`, local).content).toContain(
    String.raw`"%LOCALAPPDATA%\T\resources\bin`,
  );
  // Another user, whose name has the same beginning.
  const other = scriptIn(String.raw`C:\Users\Jürgens\T\resources`);
  expect(other.content).not.toContain('%USERPROFILE%');
  expect(other.problem).toContain('“ü”');
  await expect(installTool({ ...other, path: '/nowhere/tokenscope.cmd' }, '')).rejects.toThrow('Move Tokenscope');
});

test.skipIf(process.platform === 'win32')(
  'the script passes its arguments on, and another program is left alone',
  async () => {
    const home = await temporaryFolder();
    const resourcesPath = join(home, 'a folder', 'resources');
    await mkdir(join(resourcesPath, 'bin'), { recursive: true });
    await writeFile(join(resourcesPath, 'bin', 'tokenscope'), '#!/bin/sh\nprintf "%s|" "$@"\n', { mode: 0o755 });
    const script = toolScript({ ...installed, home, resourcesPath });
    if (script === null) throw new Error('There is no script');
    expect((await installTool(script, '/usr/bin')).detail).toContain('PATH');
    await chmod(script.path, 0o644);
    // Again, for example after the app has moved.
    expect((await installTool(script, `/usr/bin:${script.folder}`)).detail).toContain('Run “tokenscope”');
    const { stdout } = await promisify(execFile)(script.path, ['run', 'two words', '$HOME']);
    expect(stdout).toBe('run|two words|$HOME|');
    await writeFile(script.path, '#!/bin/sh\necho other\n');
    await expect(installTool(script, '')).rejects.toThrow('is not Tokenscope’s');
    expect(await readFile(script.path, 'utf8')).toContain('other');
  },
);
