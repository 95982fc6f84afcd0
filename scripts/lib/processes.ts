import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { root } from './run.ts';

const GRACE_MS = 3000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a program in the foreground until it ends. Ctrl-C, SIGTERM and SIGHUP end it with everything it started: first
 * with a request, after 3 s by force.
 * @returns its exit code; 128 + signal number when a signal ended it, as shells do
 */
export function runForeground(command: string, args: string[], options: SpawnOptions = {}): Promise<number> {
  // A process group of its own (not on Windows), so that the whole tree can be ended at once.
  const detached = process.platform !== 'win32';
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], detached, ...options });
  let force: NodeJS.Timeout | undefined;
  const stop = () => {
    endTree(child, 'SIGTERM');
    force ??= setTimeout(() => endTree(child, 'SIGKILL'), GRACE_MS);
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', (code, signal) => {
      clearTimeout(force);
      for (const name of SIGNALS) process.off(name, stop);
      endTree(child, 'SIGKILL');
      done(code ?? 128 + (signal === 'SIGKILL' ? 9 : 15));
    });
  });
}

/** Ends a program that was started with `detached` and everything in its process group. */
export function endTree(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/pid', String(child.pid), '/T', '/F'], { stdio: 'ignore' });
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // ESRCH: all of them have ended.
  }
}

/** Whether Chromium's sandbox can work for this user: never for root, not where user namespaces are forbidden. */
export function sandboxProblem(): string | null {
  if (process.platform !== 'linux') return null;
  if (process.getuid?.() === 0) return 'root cannot use the sandbox';
  const probe = spawnSync('unshare', ['--user', 'true'], { stdio: 'ignore' });
  return probe.status === 0 ? null : 'this system forbids the user namespaces that the sandbox needs';
}
