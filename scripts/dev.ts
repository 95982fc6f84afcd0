/** `npm run dev`: the app with hot reloading of the interface. Needs a display. */
import { join } from 'node:path';
import { electronRuntime } from './electron-runtime.ts';
import { runForeground, sandboxProblem } from './lib/processes.ts';
import { root } from './lib/run.ts';

const say = (line: string) => process.stderr.write(`tokenscope: ${line}\n`);

try {
  const runtime = await electronRuntime(say);
  if (runtime.fallback) say(runtime.reason);
  const problem = sandboxProblem();
  if (problem) say(`${problem}, so the window runs without the sandbox (in development only)`);
  const bundler = join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js');
  // electron-vite ignores ELECTRON_OVERRIDE_DIST_PATH.
  process.exitCode = await runForeground(process.execPath, [bundler, 'dev', ...(problem ? ['--noSandbox'] : [])], {
    env: { ...process.env, ELECTRON_EXEC_PATH: runtime.executable },
  });
} catch (error) {
  say((error as Error).message);
  process.exitCode = 1;
}
