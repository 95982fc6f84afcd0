import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { root } from './run.ts';

const GRACE_MS = 3000;
const ORPHAN_CHECK_MS = 500;
/** One Ctrl-C arrives twice: from the terminal, and forwarded by npm. */
const SAME_SIGNAL_MS = 400;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Chromium's log lines for its developers, on every start: `[pid:date/time:ERROR:file.cc(line)] …`. */
const CHROMIUM_LOG = /^\[\d+:[\d/.]+:(INFO|WARNING|ERROR):\S+\] /;

interface ForegroundOptions {
  env?: NodeJS.ProcessEnv;
  /** Omits Chromium's own log lines. */
  hideChromiumLog?: boolean;
}

/**
 * Runs a program in the foreground until it ends. Ctrl-C, SIGTERM and SIGHUP ask it to exit; processes that still run
 * after 3 s, or after it has exited, are killed.
 * @returns its exit code; 128 + signal number when it was killed by a signal, as in shells
 */
export function runForeground(command: string, args: string[], options: ForegroundOptions = {}): Promise<number> {
  const child = spawn(command, args, {
    cwd: root,
    env: options.env ?? process.env,
    stdio: ['ignore', 'inherit', options.hideChromiumLog ? 'pipe' : 'inherit'],
    // A separate process group (not on Windows), so that the whole tree can be killed at once.
    detached: process.platform !== 'win32',
  });
  if (child.stderr) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (!CHROMIUM_LOG.test(line)) process.stderr.write(`${line}\n`);
    });
  }
  let force: NodeJS.Timeout | undefined;
  let askedAt = -Infinity;
  const stop = () => {
    // The program treats a second signal as a request to exit without saving.
    if (performance.now() - askedAt < SAME_SIGNAL_MS) return;
    askedAt = performance.now();
    // Only the program at first: it stops its own processes in order, and saves.
    child.kill('SIGTERM');
    force ??= setTimeout(() => killGroup(child), GRACE_MS);
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  const watch = onOrphaned(stop);
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', (code, signal) => {
      clearTimeout(force);
      clearInterval(watch);
      for (const name of SIGNALS) process.off(name, stop);
      killGroup(child);
      done(code ?? 128 + (signal === null ? 1 : constants.signals[signal]));
    });
  });
}

/** npm does not forward signals to its shell's children: once that shell is gone, so is the caller. */
function onOrphaned(stop: () => void): NodeJS.Timeout | undefined {
  if (process.platform === 'win32' || !process.env.npm_lifecycle_event) return undefined;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, ORPHAN_CHECK_MS);
  return timer;
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/pid', String(child.pid), '/T', '/F'], { stdio: 'ignore' });
    return;
  }
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // ESRCH: all of them have exited.
  }
}

/** Whether Chromium's sandbox can work for this user: never for root, nor without user namespaces. */
export function sandboxProblem(): string | null {
  if (process.platform !== 'linux') return null;
  if (process.getuid?.() === 0) return 'root cannot use the sandbox';
  const probe = spawnSync('unshare', ['--user', 'true'], { stdio: 'ignore' });
  return probe.status === 0 ? null : 'this system forbids the user namespaces that the sandbox needs';
}
