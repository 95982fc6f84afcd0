/**
 * `npm run build:web`: the app as files for any web server, in dist/web/ (docs/web.md).
 *
 *   npm run build:web -- [--serve [PORT]]
 *
 * --serve: also serves them on this computer.
 */
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';
import manifest from '../package.json' with { type: 'json' };
import type { SiteFacts } from '../src-renderer/lib/browser-storage/browser-services.ts';
import { BUILT_IN_IDS, listBuiltInModels } from '../src-main/services/models/built-in-models.ts';
import { ensureBuilt } from './ensure-built.mjs';
import { root } from './lib/run.ts';
import { portToServe, serveSite } from './web/serve-site.ts';
import { headersFile } from './web/site-headers.ts';
import { ICON_SIZES, sitePage, webManifest } from './web/site-page.ts';

/** Kernels that browsers use. */
const KERNELS = ['threads', 'simd', 'single'];
const SERVICE_WORKER = 'service-worker.js';

/** @param folder is replaced */
export async function buildWeb(folder: string): Promise<void> {
  await ensureBuilt(['app']);
  await rm(folder, { recursive: true, force: true });
  // Only Electron has the page of the GPU.
  const isOfBrowsers = (path: string) => !/^gpu[.-]/.test(basename(path));
  await cp(join(root, 'out', 'renderer'), folder, { recursive: true, filter: isOfBrowsers });
  const models = join(root, 'resources', 'models');
  for (const id of BUILT_IN_IDS) await cp(join(models, id), join(folder, 'models', id), { recursive: true });
  await mkdir(join(folder, 'kernels'));
  for (const name of KERNELS) {
    await cp(join(root, 'resources', 'kernels', `${name}.wasm`), join(folder, 'kernels', `${name}.wasm`));
  }
  await mkdir(join(folder, 'icons'));
  for (const size of ICON_SIZES) {
    const name = `${size}x${size}.png`;
    await cp(join(root, 'build', 'icons', name), join(folder, 'icons', name));
  }
  const page = join(folder, 'index.html');
  await writeFile(page, sitePage(await readFile(page, 'utf8')));
  await writeFile(join(folder, 'manifest.webmanifest'), webManifest());
  await writeFile(join(folder, 'site.json'), JSON.stringify(await siteFacts(models)));
  await buildServiceWorker(folder);
  await writeFile(join(folder, '_headers'), headersFile());
}

async function siteFacts(models: string): Promise<SiteFacts> {
  const { productName: name, version, license } = manifest;
  return {
    about: { name, version, host: 'browser', versions: {}, runtimeNote: null, license, dataFolder: '' },
    models: await listBuiltInModels(models, { builtInUsed: {}, builtInMeasured: {} }),
  };
}

/** It contains the list of all files, so that a later build has another one, which browsers notice. */
async function buildServiceWorker(folder: string): Promise<void> {
  const files: Record<string, string> = {};
  for (const name of await filesUnder(folder)) files[name] = integrityOf(await readFile(join(folder, name)));
  // The files are stored with their headers.
  const hash = createHash('sha256').update(headersFile()).update(JSON.stringify(files));
  const site = { version: hash.digest('hex').slice(0, 16), files };
  await build({
    configFile: false,
    logLevel: 'warn',
    define: { SITE: JSON.stringify(site) },
    build: {
      outDir: folder,
      emptyOutDir: false,
      copyPublicDir: false,
      target: 'chrome130',
      lib: {
        entry: join(root, 'src-main', 'hosts', 'web', 'service-worker.ts'),
        formats: ['iife'],
        name: 'serviceWorker',
        fileName: () => SERVICE_WORKER,
      },
    },
  });
}

/** As browsers check it (Subresource Integrity). */
export function integrityOf(content: Uint8Array): string {
  return `sha256-${createHash('sha256').update(content).digest('base64')}`;
}

/** With slashes, sorted. */
async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .sort();
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const port = await saying(() => portToServe(process.argv));
  const folder = join(root, 'dist', 'web');
  await buildWeb(folder);
  const files = await filesUnder(folder);
  console.log(`${files.length} files in ${folder}`);
  if (port !== null) {
    const { address } = await saying(() => serveSite(folder, port));
    console.log(`Open ${address}`);
  }
}

/** Of a failure that the user can mend, the message alone. */
async function saying<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    process.stderr.write(`tokenscope: ${(error as Error).message}\n`);
    process.exit(1);
  }
}
