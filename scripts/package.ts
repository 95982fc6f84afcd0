/**
 * `npm run package`: the shipped app, unpacked in dist/, with the installed Electron; downloads nothing else.
 *
 *   npm run package -- [--test]     --test keeps the debugger's arguments, which Playwright's launcher needs
 */
import { build, Platform } from 'electron-builder';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import config from '../electron-builder.config.ts';
import { makeResources, release } from './release/resources.ts';
import { electronRuntime } from './electron-runtime.ts';
import { ensureBuilt } from './ensure-built.mjs';
import { root } from './lib/run.ts';

/** @returns folder with the unpacked app */
async function packageApp(options: { test?: boolean; say?: (line: string) => void } = {}): Promise<string> {
  await ensureBuilt(['main', 'app']);
  await makeResources(release());
  const runtime = await electronRuntime();
  await rm(join(root, 'dist'), { recursive: true, force: true });
  await build({
    projectDir: root,
    targets: Platform.current().createTarget('dir'),
    config: {
      ...config,
      electronDist: runtime.distPath,
      electronVersion: runtime.version,
      electronFuses: { ...config.electronFuses, enableNodeCliInspectArguments: options.test === true },
    },
  });
  const folder = (await readdir(join(root, 'dist'))).find(
    (name) => name.includes('unpacked') || name.startsWith('mac'),
  );
  if (!folder) throw new Error('electron-builder left no unpacked app in dist/.');
  return join(root, 'dist', folder);
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = await packageApp({ test: process.argv.includes('--test') });
  console.log(`The app is in ${folder} (${((await sizeOf(folder)) / 2 ** 20).toFixed(0)} MiB)`);
}
