/** Starts the process that the bench measures in, and gives what it found. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EngineError } from '../../../engine/errors.ts';
import type { BenchJob, BenchMessage, BenchReport } from './bench-job.ts';

/** How long a process may take until it says something, ms. */
const START_MS = 30_000;

/** `electron-as-node`: the same program as `electron`, without Electron. */
export type BenchRuntime = 'node' | 'electron' | 'electron-as-node';

/**
 * @param scripts folder of the built code
 * @throws EngineError what the engine threw; BACKEND_LOST when the process ended without a result
 */
export async function runBench(
  job: BenchJob,
  runtime: BenchRuntime,
  scripts: URL,
  signal: AbortSignal,
): Promise<BenchReport> {
  const host = fileURLToPath(new URL('bench-host.js', scripts));
  const argument = JSON.stringify(job);
  if (runtime === 'node') return reportOf(await capture(process.execPath, [host, argument], process.env, signal));
  const electron = await findElectron(scripts);
  if (runtime === 'electron-as-node') {
    const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1' };
    return reportOf(await capture(electron.executable, [host, argument], env, signal));
  }
  const folder = await mkdtemp(join(tmpdir(), 'tokenscope-bench-'));
  try {
    const app = new URL('bench-app.js', scripts).href;
    const manifest = { name: 'tokenscope-bench', version: '1.0.0', type: 'module', main: 'main.js' };
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
    await writeFile(join(folder, 'main.js'), `await import(${JSON.stringify(app)});\n`);
    const { ELECTRON_RUN_AS_NODE: _, ...env } = process.env;
    const args = [folder, ...electronFlags(), `--user-data-dir=${join(folder, 'data')}`, argument];
    const started = { ...env, ELECTRON_OVERRIDE_DIST_PATH: electron.distPath };
    return reportOf(await capture(electron.executable, args, started, signal));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** No window is opened, so that no display is needed; as root there is no sandbox to be had. */
function electronFlags(): string[] {
  if (process.platform !== 'linux') return [];
  return ['--ozone-platform=headless', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];
}

interface ElectronPlace {
  readonly executable: string;
  readonly distPath: string;
}

/** The Electron that `npm start` would take. */
async function findElectron(scripts: URL): Promise<ElectronPlace> {
  const finder = fileURLToPath(new URL('../../scripts/electron-runtime.ts', scripts));
  if (!existsSync(finder)) {
    throw new EngineError('BACKEND_LOST', 'Electron is found from the project’s folder only. Use --runtime node here.');
  }
  const { code, stdout, stderr } = await capture(process.execPath, ['--import', 'tsx', finder, '--json'], process.env);
  if (code !== 0) throw new EngineError('BACKEND_LOST', `There is no Electron: ${stderr.trim()}`);
  return JSON.parse(stdout) as ElectronPlace;
}

interface Captured {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function capture(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<Captured> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], ...(signal ? { signal } : {}) });
    let stdout = '';
    let stderr = '';
    // A process that fails to start may wait for somebody to close a dialog that nobody sees.
    const slow = setTimeout(() => child.kill('SIGKILL'), START_MS);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      clearTimeout(slow);
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(slow);
      resolve({ code, stdout, stderr });
    });
  });
}

function reportOf({ code, stdout, stderr }: Captured): BenchReport {
  // Electron may write lines of its own.
  const line = stdout.split('\n').find((text) => /^{"type":"(done|failed)"/.test(text));
  if (line === undefined) {
    const said = stderr.trim().split('\n').at(-1) ?? '';
    throw new EngineError('BACKEND_LOST', `The process that was measured ended with code ${code}. ${said}`);
  }
  const message = JSON.parse(line) as Exclude<BenchMessage, { type: 'started' }>;
  if (message.type === 'done') return message.report;
  throw new EngineError(message.error.code, message.error.message, message.error.details);
}
