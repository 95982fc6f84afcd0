/**
 * Builds what is missing or older than its sources. Plain JavaScript without dependencies, because the command line tool
 * starts with it.
 *
 *   node scripts/ensure-built.mjs [--force] [kernels] [main] [app]      all parts when none is named; kernels always
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { withLock } from './lib/lock.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const shared = [
  'electron.vite.config.ts',
  'scripts/lib/preload-links.ts',
  'scripts/release/bundled-packages.ts',
  'package.json',
  'package-lock.json',
  'tsconfig.base.json',
];

/**
 * `kernels`: the CPU kernels, which every host of the engine reads.
 * `main`: everything that runs in Node (the app's main process, the engine, the web host, the command line tool).
 * `app`: what runs in a page (preload script, interface, the browser's engine worker).
 */
export const PARTS = {
  kernels: {
    sources: [
      'src-main/kernels',
      'src-main/engine/executors/wasm/plan-layout.ts',
      'scripts/build-kernels.ts',
      'scripts/kernels',
      'package-lock.json',
    ],
    outputs: ['threads', 'wide', 'single', 'simd'].map((name) => `resources/kernels/${name}.wasm`),
  },
  main: {
    sources: ['src-main', ...shared],
    outputs: [
      ...['start', 'index', 'roll-back', 'utility', 'engine-worker', 'kernel-thread', 'web-host', 'cli'],
      ...['bench-host', 'bench-worker', 'bench-app', 'ceilings-thread'],
    ].map((name) => `out/main/${name}.js`),
  },
  app: {
    sources: [
      'src-renderer',
      'src-main/engine',
      'src-main/protocol',
      'src-main/hosts/web',
      'src-main/preload',
      ...shared,
    ],
    outputs: [
      ...['preload', 'gpu-preload'].map((name) => `out/preload/${name}.cjs`),
      ...['index.html', 'gpu.html'].map((name) => `out/renderer/${name}`),
      ...['engine.worker', 'gpu.worker', 'kernel-thread', 'markdown.worker', 'pdf.worker'].map(
        (name) => `out/renderer/${name}.js`,
      ),
    ],
  },
};

/** @typedef {keyof typeof PARTS} Part */

/**
 * @param {Part[]} parts
 * @param {{ force?: boolean, say?: (line: string) => void }} [options]
 * @throws Error with the bundler's output when a build fails
 */
export async function ensureBuilt(parts, { force = false, say = toStderr } = {}) {
  if (!existsSync(join(root, 'src-main'))) return; // An installed copy without sources has nothing to build.
  parts = [...new Set(/** @type {Part[]} */ (['kernels', ...parts]))];
  if (!force && (await staleParts(parts)).length === 0) return;
  await withLock(
    join(root, 'out', '.build.lock'),
    async () => {
      // Another process may have built it during the wait.
      const stale = force ? parts : await staleParts(parts);
      if (stale.length > 0) await build(stale, say);
    },
    { onWait: () => say('another process is building; waiting for it') },
  );
}

/** @param {Part[]} parts */
async function staleParts(parts) {
  const stale = await Promise.all(parts.map(async (part) => ((await isFresh(part)) ? [] : [part])));
  return stale.flat();
}

/** @param {Part} part */
async function isFresh(part) {
  if (!PARTS[part].outputs.every((path) => existsSync(join(root, path)))) return false;
  const stamp = await readFile(stampPath(part), 'utf8').catch(() => '');
  return stamp === (await fingerprint(PARTS[part].sources));
}

/** @param {Part} part */
const stampPath = (part) => join(root, 'out', '.stamps', part);

/**
 * @param {Part[]} parts
 * @param {(line: string) => void} say
 */
async function build(parts, say) {
  const started = Date.now();
  say(`building ${parts.join(' and ')}`);
  // Taken before the build: a file changed during it makes the result stale.
  const prints = await Promise.all(parts.map((part) => fingerprint(PARTS[part].sources)));
  const bundler = join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js');
  if (!existsSync(bundler)) throw new Error(`The build tools are not installed: run "npm ci" in ${root} first.`);
  if (parts.includes('kernels')) await step(['--import', 'tsx', join('scripts', 'build-kernels.ts')]);
  const bundled = parts.filter((part) => part !== 'kernels');
  if (bundled.length > 0) {
    await step([bundler, 'build', '--ignoreConfigWarning'], { TOKENSCOPE_BUILD_PARTS: bundled.join(',') });
  }
  await mkdir(join(root, 'out', '.stamps'), { recursive: true });
  await Promise.all(parts.map((part, index) => writeFile(stampPath(part), prints[index] ?? '')));
  say(`built in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/**
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 * @throws Error with what the step printed when it fails
 */
async function step(args, env = {}) {
  const { code, output } = await runQuietly(args, env);
  if (code !== 0) throw new Error(`The build failed.\n${output.trim()}`);
}

/**
 * @param {string[]} args
 * @param {Record<string, string>} env
 * @returns {Promise<{ code: number, output: string }>}
 */
function runQuietly(args, env) {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (output += text));
    child.once('error', failed);
    child.once('close', (code) => done({ code: code ?? 1, output }));
  });
}

/**
 * Hash over names, sizes and times of the source files: any edit, new file or deletion changes it.
 *
 * @param {string[]} sources
 */
async function fingerprint(sources) {
  const lines = (await Promise.all(sources.map((source) => listFiles(join(root, source))))).flat().sort();
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

/**
 * @param {string} path
 * @returns {Promise<string[]>}
 */
async function listFiles(path) {
  const facts = await stat(path);
  if (!facts.isDirectory()) return [`${relative(root, path)} ${facts.size} ${facts.mtimeMs}`];
  const names = (await readdir(path)).filter((name) => !/^(fixtures|test-support)$|\.test\.ts$|\.md$/.test(name));
  return (await Promise.all(names.map((name) => listFiles(join(path, name))))).flat();
}

/** @param {string} line */
function toStderr(line) {
  process.stderr.write(`tokenscope: ${line}\n`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const all = /** @type {Part[]} */ (Object.keys(PARTS));
  const named = all.filter((part) => process.argv.includes(part));
  try {
    await ensureBuilt(named.length > 0 ? named : all, { force: process.argv.includes('--force') });
  } catch (error) {
    toStderr(/** @type {Error} */ (error).message);
    process.exitCode = 1;
  }
}
