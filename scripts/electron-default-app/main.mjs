/**
 * Electron's launcher when it is given a folder: `electron [-r MODULE]... FOLDER [ARGUMENT]...`. The official binaries
 * contain one; the fallback runtime gets this one, with only what development and tests need.
 */
import { app } from 'electron';
import { readFileSync } from 'node:fs';
import Module from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

process.defaultApp = true;

const preloaded = [];
for (let index = 1; index < process.argv.length; index++) {
  if (process.argv[index] === '-r' || process.argv[index] === '--require') preloaded.push(process.argv[++index]);
}
// A preloaded module may rewrite process.argv (Playwright's does), so the folder is determined afterwards.
if (preloaded.length > 0) Module._preloadModules(preloaded);

const folder = firstPlainArgument(process.argv.slice(1));
if (folder === null) {
  console.error('Usage: electron FOLDER [ARGUMENT]...');
  app.exit(2);
} else {
  const appPath = resolve(folder);
  const manifest = JSON.parse(readFileSync(join(appPath, 'package.json'), 'utf8'));
  app.setName(manifest.productName ?? manifest.name);
  app.setVersion(manifest.version);
  if (manifest.desktopName && app.setDesktopName) app.setDesktopName(manifest.desktopName);
  app.setAppPath(appPath);
  try {
    // Top-level await delays the `ready` event until the app has been set up.
    await import(pathToFileURL(join(appPath, manifest.main ?? 'index.js')).href);
  } catch (error) {
    console.error(error);
    app.exit(1);
  }
}

function firstPlainArgument(args) {
  for (let index = 0; index < args.length; index++) {
    if (args[index] === '-r' || args[index] === '--require') index++;
    else if (!args[index].startsWith('-')) return args[index];
  }
  return null;
}
