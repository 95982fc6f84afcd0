/**
 * `npm start`: builds what is missing, finds an Electron and opens the app. Without Electron or a display it serves the
 * same app to a browser.
 *
 *   npm start -- [--web] [--port N] [--open] [--address]
 */
import { parseArgs } from 'node:util';
import { electronRuntime, type ElectronRuntime } from './electron-runtime.ts';
import { ensureBuilt } from './ensure-built.mjs';
import { runForeground, sandboxProblem } from './lib/processes.ts';
import { root } from './lib/run.ts';
import { electronLibrariesAdvice } from './system-packages.ts';

/** The dynamic linker's exit code when a shared library is missing. */
const LIBRARY_MISSING = 127;

const say = (line: string) => process.stderr.write(`tokenscope: ${line}\n`);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      web: { type: 'boolean' },
      port: { type: 'string' },
      open: { type: 'boolean' },
      address: { type: 'boolean' },
    },
  });
  await ensureBuilt(['main', 'app'], { say });
  const webArgs = [
    ...(values.port ? ['--port', values.port] : []),
    ...(values.open ? ['--open'] : []),
    ...(values.address ? ['--address'] : []),
  ];
  if (values.web || values.address) return await serve(webArgs);
  if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) {
    return await serve(webArgs, 'no display was found (DISPLAY and WAYLAND_DISPLAY are not set)');
  }
  const runtime = await electronRuntime(say).catch((error: Error) => error);
  if (runtime instanceof Error) return await serve(webArgs, runtime.message);
  const code = await openApp(runtime);
  if (code !== LIBRARY_MISSING) return code;
  const advice = electronLibrariesAdvice();
  return await serve(webArgs, `Electron needs a missing system library${advice ? `; as root: ${advice}` : ''}`);
}

async function openApp(runtime: ElectronRuntime): Promise<number> {
  if (runtime.fallback) say(runtime.reason);
  const problem = sandboxProblem();
  if (problem) say(`${problem}, so the window runs without the sandbox (in development only)`);
  const { ELECTRON_RUN_AS_NODE: _, ...env } = process.env;
  return await runForeground(runtime.executable, ['.', ...(problem ? ['--no-sandbox'] : [])], {
    env: { ...env, ELECTRON_OVERRIDE_DIST_PATH: runtime.distPath },
    hideChromiumLog: !process.env.TOKENSCOPE_DEBUG,
  });
}

async function serve(args: string[], why?: string): Promise<number> {
  if (why) say(`${why}. Serving the app to your browser instead.`);
  return await runForeground(process.execPath, [`${root}/out/main/web-host.js`, ...args]);
}

main().then(
  (code) => (process.exitCode = code),
  (error: Error) => {
    say(error.message);
    process.exitCode = 1;
  },
);
