import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { APP_ID } from '../../src-main/app/app-id.ts';
import { capture, root } from '../lib/run.ts';
import { SEVEN_ZIP } from './helpers.ts';
import { buildNsis, uninstallLines } from './nsis.ts';

/** The files of an unpacked app for Windows, without their contents. */
const PAYLOAD = [
  'Tokenscope.exe',
  'chrome_100_percent.pak',
  'd3dcompiler_47.dll',
  'ffmpeg.dll',
  'icudtl.dat',
  'LICENSE.electron.txt',
  'LICENSES.chromium.html',
  'locales/en-US.pak',
  'resources/app.asar',
  'resources/bin/tokenscope.cmd',
  'resources/LICENSE.txt',
  'resources/THIRD-PARTY-LICENCES.txt',
  'resources.pak',
  'snapshot_blob.bin',
  'v8_context_snapshot.bin',
  'version',
  'vk_swiftshader.dll',
];

it('the uninstaller deletes files, then the folders that are left empty', () => {
  expect(uninstallLines(['a.txt', 'b/', 'b/c/', 'b/c/$d.txt']).split('\n')).toEqual([
    'Delete "$INSTDIR\\a.txt"',
    'Delete "$INSTDIR\\b\\c\\$$d.txt"',
    'RMDir "$INSTDIR\\b\\c"',
    'RMDir "$INSTDIR\\b"',
    '',
  ]);
});

const hasNsis = spawnSync('makensis', ['-VERSION']).status === 0;
const sevenZip = SEVEN_ZIP.find((name) => spawnSync(name, ['i']).status === 0);

describe.skipIf(!hasNsis)('the installer for Windows', () => {
  let folder: string;
  let setup: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tokenscope-nsis-'));
    const payload = join(folder, 'payload');
    for (const path of PAYLOAD) {
      await mkdir(dirname(join(payload, path)), { recursive: true });
      await writeFile(join(payload, path), path);
    }
    setup = join(folder, 'tokenscope-setup.exe');
    await buildNsis({ payload, version: '1.2.3', output: setup });
  });
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  it('is a program for Windows that asks for no administrator', async () => {
    const bytes = await readFile(setup);
    expect(bytes.toString('latin1', 0, 2)).toBe('MZ');
    expect(bytes.includes('requestedExecutionLevel level="asInvoker"')).toBe(true);
    expect(bytes.includes(Buffer.from('1.2.3', 'utf16le'))).toBe(true);
  });

  it.skipIf(sevenZip === undefined)('contains the app', async () => {
    const { stdout } = await capture(sevenZip!, ['l', '-slt', setup]);
    const inside = [...stdout.matchAll(/^Path = (.*)$/gm)].map(([, path]) => path!.replaceAll('\\', '/'));
    for (const path of PAYLOAD) expect(inside).toContain(path);
  });
});

describe('the script', () => {
  /** Lines of a section of the script, without comments. */
  async function section(name: string): Promise<string[]> {
    const script = await readFile(join(root, 'build/win/tokenscope.nsi'), 'utf8');
    const text = new RegExp(`^Section "${name}"$([\\s\\S]*?)^SectionEnd$`, 'm').exec(script)?.[1] ?? '';
    return text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith(';'));
  }

  it('writes only to the user’s own keys and folders', async () => {
    const script = await readFile(join(root, 'build/win/tokenscope.nsi'), 'utf8');
    expect(script).not.toMatch(/HKLM|HKEY_LOCAL_MACHINE|SHELL_CONTEXT all|SetShellVarContext all|\$PROGRAMFILES/);
    expect(script).toContain('RequestExecutionLevel user');
    expect(script).toContain(`!define APP_ID "${APP_ID}"`);
    expect(script).toContain('InstallDir "$LOCALAPPDATA\\Programs\\${NAME}"');
  });

  it('removes each key and shortcut that it makes', async () => {
    const made = await section('Install');
    const removed = await section('Uninstall');
    const keys = made.flatMap((line) => /^WriteReg\w+ HKCU "([^"]+)"/.exec(line)?.[1] ?? []);
    const gone = removed.flatMap((line) => /^DeleteReg(?:Key|Value) HKCU "([^"]+)"/.exec(line)?.[1] ?? []);
    expect(keys.length).toBeGreaterThan(15);
    for (const key of keys) {
      expect(
        gone.some((one) => key === one || key.startsWith(`${one}\\`)),
        key,
      ).toBe(true);
    }
    for (const line of made.filter((one) => one.startsWith('CreateShortcut'))) {
      const shortcut = /^CreateShortcut ("[^"]+")/.exec(line)![1]!;
      expect(removed).toContain(`Delete ${shortcut}`);
    }
    // Never a whole folder, which may have other files.
    expect(removed.filter((line) => line.startsWith('RMDir /r'))).toEqual([]);
    expect(removed.filter((line) => /APPDATA/.test(line))).toEqual([]);
  });

  it('deletes the files of an earlier version only, not those of another program', async () => {
    const lines = await section('Install');
    const deleting = lines.findIndex((line) => line.startsWith('RMDir /r'));
    expect(lines[deleting - 1]).toBe('${If} ${FileExists} "$INSTDIR\\${PROGRAM}"');
    expect(lines.slice(deleting).findIndex((line) => line === '${EndIf}')).toBe(2);
  });

  it('opens models and links with one quoted argument', async () => {
    const commands = (await section('Install')).filter((line) => line.includes('\\shell\\open\\command'));
    expect(commands).toHaveLength(2);
    for (const line of commands) expect(line).toMatch(/'"\$INSTDIR\\\$\{PROGRAM\}" "%1"'$/);
  });
});
