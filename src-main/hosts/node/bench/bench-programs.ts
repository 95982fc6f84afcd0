/** Programs that run the engine for the benchmark. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { EngineError } from '../../../engine/api/errors.ts';
import { BENCH_HOST_SWITCH, PAGELESS_SWITCHES } from '../../../protocol/app/start-switches.ts';
import type { BenchCaller } from './bench-messages.ts';
import { electronKernelFlags } from '../kernels.ts';
import { BenchSession, type BenchProgram } from './bench-session.ts';

/** `electron-as-node`: the same program as `electron`, without Electron. */
export type BenchRuntime = 'node' | 'electron' | 'electron-as-node';

export interface BenchProcessOptions {
  readonly runtime: BenchRuntime;
  /** Folder of the built code. */
  readonly scripts: URL;
  /** Of V8, on top of those that the runtime gets as in the app. */
  readonly v8Flags?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `work` with a separate process.
 * @throws EngineError BACKEND_LOST when it does not start or exits early, and the errors of the calls
 */
export async function withBenchSession<T>(
  options: BenchProcessOptions,
  work: (session: BenchCaller) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenscope-bench-app-'));
  try {
    const session = await BenchSession.open(await programFor(options, folder), options.signal);
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function programFor(options: BenchProcessOptions, folder: string): Promise<BenchProgram> {
  const { runtime, scripts, v8Flags = [] } = options;
  const host = fileURLToPath(new URL('bench-host.js', scripts));
  if (runtime === 'node') return ownProgram(host, process, v8Flags);
  const { executable: command, distPath, version } = await findElectron(scripts);
  if (runtime === 'electron-as-node') {
    return {
      command,
      args: [...electronKernelFlags(version), ...v8Flags, host],
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    };
  }
  const manifest = { name: 'tokenscope-bench', version: '1.0.0', type: 'module', main: 'main.js' };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  const app = new URL('bench-app.js', scripts).href;
  await writeFile(join(folder, 'main.js'), `await import(${JSON.stringify(app)});\n`);
  const { ELECTRON_RUN_AS_NODE: _, ...env } = process.env;
  return {
    command,
    args: [folder, ...electronFlags(v8Flags), `--user-data-dir=${join(folder, 'data')}`],
    env: { ...env, ELECTRON_OVERRIDE_DIST_PATH: distPath },
  };
}

/**
 * The program that a process runs in, with the script `host`: Node, or the packaged app, which does not run as Node and
 * starts that script itself (`src-main/app/start.ts`).
 * @param own Electron sets `type` in its processes but not if it runs as Node, and `defaultApp` in development
 */
export function ownProgram(
  host: string,
  own: { execPath: string; env: NodeJS.ProcessEnv; type?: string; defaultApp?: boolean },
  v8Flags: readonly string[] = [],
): BenchProgram {
  const isPackagedApp = own.type === 'browser' && !own.defaultApp;
  const args = isPackagedApp ? [BENCH_HOST_SWITCH, ...PAGELESS_SWITCHES, '--'] : [...v8Flags, host];
  return { command: own.execPath, args, env: own.env };
}

/** No window is opened, so no display is needed; there is no sandbox for root. */
function electronFlags(v8Flags: readonly string[]): string[] {
  const flags = v8Flags.length > 0 ? [`--js-flags=${v8Flags.join(' ')}`] : [];
  if (process.platform !== 'linux') return flags;
  return [...flags, '--ozone-platform=headless', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];
}

interface ElectronPlace {
  readonly executable: string;
  readonly distPath: string;
  readonly version: string;
}

/** The Electron that `npm start` would use. */
async function findElectron(scripts: URL): Promise<ElectronPlace> {
  const finder = fileURLToPath(new URL('../../scripts/electron-runtime.ts', scripts));
  if (!existsSync(finder)) {
    throw new EngineError(
      'BACKEND_LOST',
      'Electron can only be found from the project’s folder. Use --runtime node here.',
    );
  }
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', finder, '--json'], {
      cwd: fileURLToPath(new URL('../../', scripts)),
    });
    return JSON.parse(stdout) as ElectronPlace;
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string };
    throw new EngineError('BACKEND_LOST', `Electron was not found: ${stderr.trim()}`, {}, { cause });
  }
}
