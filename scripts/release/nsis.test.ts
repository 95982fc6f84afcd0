import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import config from '../../electron-builder.config.ts';
import { APP_ID } from '../../src-main/app/app-id.ts';
import { requestsIn } from '../../src-main/app/open-requests.ts';
import { terminalArguments } from '../../src-main/app/terminal-arguments.ts';
import { capture, root } from '../lib/run.ts';
import { SEVEN_ZIP } from './helpers.ts';
import { buildNsis, uninstallLines, writeInstalledList } from './nsis.ts';

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

/** electron-builder’s scripts, which insert our macros. They are not compiled as a whole: their plugins are downloads. */
const TEMPLATES = join(root, 'node_modules/app-builder-lib/templates/nsis');

/** What they have where the macros are inserted. */
const HARNESS = [
  'Unicode true',
  'Name "Tokenscope"',
  'OutFile "${OUTPUT}"',
  '!include "win\\installer.nsh"',
  '!include "LogicLib.nsh"',
  '!define UNINSTALL_FILENAME "Uninstall Tokenscope.exe"',
  '!macro _isUpdated _a _b _t _f',
  '  StrCmp $CMDLINE "--updated" `${_t}` `${_f}`',
  '!macroend',
  '!define isUpdated `"" isUpdated ""`',
];
const SECTIONS = [
  'Section "install"',
  '  WriteUninstaller "$INSTDIR\\${UNINSTALL_FILENAME}"',
  '  !insertmacro customInstall',
  'SectionEnd',
  'Section "un.Uninstall"',
  '  !insertmacro customUnInstall',
  '  !insertmacro customRemoveFiles',
  'SectionEnd',
];

const hasNsis = spawnSync('makensis', ['-VERSION']).status === 0;
const sevenZip = SEVEN_ZIP.find((name) => spawnSync(name, ['i']).status === 0);

describe.skipIf(!hasNsis)('the installer for Windows', () => {
  let folder: string;
  let payload: string;
  let setup: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tokenscope-nsis-'));
    payload = join(folder, 'payload');
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

  it('electron-builder’s one compiles with the macros of installer.nsh', async () => {
    await writeInstalledList(payload, folder);
    const template = await readFile(join(TEMPLATES, 'uninstaller.nsh'), 'utf8');
    const functions = template.match(/^Function un\.(?:atomicRMDir|restoreFiles)$[\s\S]*?^FunctionEnd$/gm) ?? [];
    expect(functions).toHaveLength(2);
    const script = join(folder, 'harness.nsi');
    await writeFile(script, [...HARNESS, ...functions, ...SECTIONS].join('\n'));
    const defines = [`-DPROJECT_DIR=${folder}`, `-DOUTPUT=${join(folder, 'harness.exe')}`];
    const include = `-X!addincludedir "${join(root, 'build')}"`;
    // Warnings are errors, as in electron-builder: for example for a function of its template that is not used.
    const { code, stdout, stderr } = await capture('makensis', ['-V2', '-WX', ...defines, include, script]);
    expect(code, `${stdout}${stderr}`).toBe(0);
  });
});

/** Without comments. */
function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith(';'));
}

const scriptFile = (name: string) => readFile(join(root, 'build/win', name), 'utf8');

/** Lines of a macro of both installers. */
async function sharedMacro(name: string): Promise<string[]> {
  const script = await scriptFile('associations.nsh');
  return linesOf(new RegExp(`^!macro ${name}$([\\s\\S]*?)^!macroend$`, 'm').exec(script)?.[1] ?? '');
}

describe('the script', () => {
  /** Lines of a section of the script, with those of shared macros. */
  async function section(name: string): Promise<string[]> {
    const script = await scriptFile('tokenscope.nsi');
    const text = new RegExp(`^Section "${name}"$([\\s\\S]*?)^SectionEnd$`, 'm').exec(script)?.[1] ?? '';
    const lines = linesOf(text).map(async (line) => {
      const macro = /^!insertmacro (\w+Types)$/.exec(line)?.[1];
      return macro === undefined ? [line] : await sharedMacro(macro);
    });
    return (await Promise.all(lines)).flat();
  }

  it('writes only to the user’s own keys and folders', async () => {
    const script = await scriptFile('tokenscope.nsi');
    const shared = `${await scriptFile('associations.nsh')}${await scriptFile('installer.nsh')}`;
    const forAll = /HKLM|HKEY_LOCAL_MACHINE|SHELL_CONTEXT all|SetShellVarContext all|\$PROGRAMFILES/;
    expect(script).not.toMatch(forAll);
    expect(shared).not.toMatch(forAll);
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
    for (const line of commands) expect(line).toMatch(/'"\$INSTDIR\\\$\{PROGRAM\}" -- "%1"'$/);
    // A link cannot start the command line tool.
    const argv = ['Tokenscope.exe', '--', 'tokenscope://ask?text=a', '--cli'];
    expect(terminalArguments(argv)).toBeNull();
    expect(requestsIn(argv.slice(1), '/')).toEqual([{ type: 'question', text: 'a' }]);
  });

  it('starts the app again if its update asks for that', async () => {
    const lines = await section('Install');
    expect(lines.slice(-4)).toEqual([
      '${GetOptions} $0 "--force-run" $1',
      '${IfNot} ${Errors}',
      `Exec '"$INSTDIR\\\${PROGRAM}" --updated'`,
      '${EndIf}',
    ]);
  });
});

describe('electron-builder’s installer', () => {
  it('registers the same types as ours, which are no business of electron-builder', async () => {
    expect(config.fileAssociations).toBeUndefined();
    expect(config.win?.fileAssociations).toBeUndefined();
    expect(config.mac?.fileAssociations).toMatchObject([{ ext: 'gguf' }]);
    const include = await scriptFile('installer.nsh');
    expect(config.nsis?.include).toBe('build/win/installer.nsh');
    for (const script of [include, await scriptFile('tokenscope.nsi')]) {
      for (const name of ['registerTypes', 'unregisterTypes']) expect(script).toContain(`!insertmacro ${name}\n`);
    }
    const lines = await sharedMacro('registerTypes');
    expect(lines).toContain('WriteRegStr HKCU "${CLASSES}\\tokenscope" "URL Protocol" ""');
    expect(await scriptFile('associations.nsh')).toContain('!define CLASSES "Software\\Classes"\n');
  });

  it('deletes what it has installed, and nothing else in its folder', async () => {
    const include = linesOf(await scriptFile('installer.nsh'));
    const deleting = include.filter((line) => /^(?:Delete|RMDir) /.test(line));
    expect(deleting).toEqual([
      'Delete "$INSTDIR\\${UNINSTALL_FILENAME}"',
      'RMDir "$INSTDIR"',
      'Delete "$INSTDIR\\${NAME}"',
      'RMDir /r "$INSTDIR\\${NAME}"',
    ]);
    // Otherwise, electron-builder deletes the whole folder.
    const template = await readFile(join(TEMPLATES, 'uninstaller.nsh'), 'utf8');
    expect(template).toMatch(/!ifmacrodef customRemoveFiles\s+!insertmacro customRemoveFiles\s+!else/);
    // It adds a program that the list lacks.
    expect(config.nsis?.packElevateHelper).toBe(false);
  });

  it('lists the top of the unpacked app', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tokenscope-list-'));
    try {
      await mkdir(join(folder, 'app', 'resources', 'bin'), { recursive: true });
      for (const name of ['Tokenscope.exe', '$a.dll']) await writeFile(join(folder, 'app', name), '');
      await writeInstalledList(join(folder, 'app'), folder);
      expect((await readFile(join(folder, 'out/.dist/installed.nsh'), 'utf8')).split('\n')).toEqual([
        '!macro forInstalled ACTION',
        '  !insertmacro ${ACTION}File "$$a.dll"',
        '  !insertmacro ${ACTION}File "Tokenscope.exe"',
        '  !insertmacro ${ACTION}Folder "resources"',
        '!macroend',
        '',
      ]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
