import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The id of a process that has ended. */
export function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

/** Start time of a process as in lock files; null if the system does not say. */
export function startTicksOf(pid: number): string | null {
  if (process.platform !== 'linux') return null;
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}
