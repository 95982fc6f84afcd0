import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/**
 * Keeps this process and all that it starts to one core, where several test workers share the machine. Threads of the
 * CPU kernels wait for each other without sleeping: two apps that both compute on all cores hold each other up.
 * @param worker number of this worker, from 0
 */
export function keepToOneCore(worker: number): void {
  const cores = availableParallelism();
  if (process.platform !== 'linux' || cores < 2) return;
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(worker % cores), String(process.pid)]);
}
