import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** `pid` and all its descendants. Empty without /proc. */
export async function processTree(pid: number): Promise<number[]> {
  if (process.platform !== 'linux') return [];
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = await parentOf(Number(name));
    if (parent !== null) parents.set(Number(name), parent);
  }
  const tree = [pid];
  for (const ancestor of tree) {
    for (const [child, parent] of parents) if (parent === ancestor) tree.push(child);
  }
  return tree;
}

/** Those of `pids` that still run after `timeoutMs`. */
export async function leftOver(pids: number[], timeoutMs = 10_000): Promise<number[]> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const states = await Promise.all(pids.map(async (pid) => ((await parentOf(pid)) === null ? [] : [pid])));
    const running = states.flat();
    if (running.length === 0 || Date.now() > deadline) return running;
    await sleep(50);
  }
}

/** Null for a process that has exited, also for a zombie. */
async function parentOf(pid: number): Promise<number | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  // "pid (name) state parent ...": the name may contain spaces and brackets.
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? null : Number(parent);
}
