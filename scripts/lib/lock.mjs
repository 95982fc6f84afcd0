import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Runs `work` while no other process runs under the same lock file. The file holds the owner's process id, so that a
 * lock left by a killed process is taken over.
 *
 * @template T
 * @param {string} path lock file
 * @param {() => Promise<T>} work
 * @param {{ onWait?: () => void, timeoutMs?: number }} [options] onWait is called once if somebody else holds the lock
 * @returns {Promise<T>}
 * @throws Error when the lock is still held after timeoutMs (10 minutes)
 */
export async function withLock(path, work, { onWait, timeoutMs = 600_000 } = {}) {
  const deadline = Date.now() + timeoutMs;
  let waited = false;
  await mkdir(dirname(path), { recursive: true });
  while (!(await tryTake(path))) {
    if (!waited) onWait?.();
    waited = true;
    if (Date.now() > deadline) {
      throw new Error(`${path} is held by another process for too long. If none is running, delete that file.`);
    }
    await sleep(100);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

/** @param {string} path */
async function tryTake(path) {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
  }
  const owner = Number(await readFile(path, 'utf8').catch(() => ''));
  // An empty file is a lock that is just being written.
  if (owner > 0 && !isRunning(owner)) await rm(path, { force: true });
  return false;
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}
