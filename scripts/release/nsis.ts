/** Compiles the installer for Windows with makensis, from an unpacked app, and lists its files for electron-builder's. */
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { capture, root } from '../lib/run.ts';
import { pathsIn } from './build-package.ts';

const SCRIPT = join(root, 'build', 'win', 'tokenscope.nsi');

interface NsisOptions {
  /** Folder with `Tokenscope.exe`. */
  payload: string;
  version: string;
  output: string;
}

/** @throws Error with makensis' output */
export async function buildNsis({ payload, version, output }: NsisOptions): Promise<void> {
  const paths = await pathsIn(payload);
  const fileList = `${output}.nsh`;
  await writeFile(fileList, uninstallLines(paths));
  const files = paths.filter((path) => !path.endsWith('/'));
  const sizes = await Promise.all(files.map(async (path) => (await stat(join(payload, path))).size));
  const kib = Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / 1024);
  const defines = {
    VERSION: version,
    PAYLOAD: payload,
    SIZE_KIB: kib,
    OUTPUT: output,
    FILE_LIST: fileList,
    ICON: join(root, 'build', 'icon.ico'),
  };
  const options = Object.entries(defines).map(([name, value]) => `-D${name}=${value}`);
  const { code, stdout, stderr } = await capture('makensis', ['-V2', '-WX', ...options, SCRIPT]);
  await rm(fileList);
  if (code !== 0) throw new Error(`makensis failed: ${stdout.trim()}\n${stderr.trim()}`);
}

/**
 * The uninstaller's lines that delete the app's files, and then its folders, if nothing else is in them.
 * @param paths folders with a slash at the end
 */
export function uninstallLines(paths: readonly string[]): string {
  const quoted = (path: string) => `"$INSTDIR\\${escaped(path)}"`;
  const files = paths.filter((path) => !path.endsWith('/')).map((path) => `Delete ${quoted(path)}`);
  // The deepest first.
  const folders = paths.filter((path) => path.endsWith('/')).toReversed();
  return [...files, ...folders.map((path) => `RMDir ${quoted(path)}`), ''].join('\n');
}

/**
 * Writes what `build/win/installer.nsh` includes: the macro `forInstalled ACTION`, which inserts the macro `ACTIONFile` or
 * `ACTIONFolder` for each file and folder at the top of an unpacked app. What is in these folders is the app's.
 */
export async function writeInstalledList(payload: string, project: string): Promise<void> {
  const entries = (await readdir(payload, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const lines = entries.map(
    (entry) => `  !insertmacro \${ACTION}${entry.isDirectory() ? 'Folder' : 'File'} "${escaped(entry.name)}"`,
  );
  const path = join(project, 'out', '.dist', 'installed.nsh');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, ['!macro forInstalled ACTION', ...lines, '!macroend', ''].join('\n'));
}

/** In quotes, for NSIS. */
function escaped(path: string): string {
  return path
    .replace(/\/$/, '')
    .replaceAll('/', '\\')
    .replaceAll('$', () => '$$');
}
