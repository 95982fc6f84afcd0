import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The id of a process that has ended. */
export function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

/** When a process started, as lock files say it; null where the system does not tell. */
export function startTicksOf(pid: number): string | null {
  if (process.platform !== 'linux') return null;
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}
