import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/**
 * Pins this process and its children to one core, because several test workers share the machine. CPU kernel threads wait
 * without sleeping: two apps computing on all cores would delay each other.
 * @param worker number of this worker, from 0
 */
export function keepToOneCore(worker: number): void {
  const cores = availableParallelism();
  if (process.platform !== 'linux' || cores < 2) return;
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(worker % cores), String(process.pid)]);
}
