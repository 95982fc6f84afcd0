/**
 * The port of the web host of a data folder. While the host runs, its address can be printed again; later, pages that were
 * left open still try to connect to it.
 */
import { createServer } from 'node:net';
import { join } from 'node:path';
import * as v from 'valibot';
import { readJson, writeJson } from '../../../services/json-file.ts';
import { clearHolder, newHolder, parseHolder, presenceOf, type Holder } from '../../../services/lock-holder.ts';

const FILE = 'web-port';
const schema = v.looseObject({ port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)) });

/**
 * Stores the port in a file that only its owner can read. Of several hosts, the latest one counts.
 * @returns call when the host stops; never rejects
 * @throws EngineError STORAGE
 */
export async function storePort(folder: string, port: number): Promise<() => Promise<void>> {
  const holder = newHolder('web');
  // A start waits for it, and after a power cut no host runs.
  await writeJson(join(folder, FILE), { ...holder, port }, { durable: false });
  return async () => {
    clearHolder(holder);
    const stored = await read(folder).catch(() => null);
    if (stored?.holder.token !== holder.token) return;
    // If it fails, the file names a host that is gone, which means the same.
    await writeJson(join(folder, FILE), { port }, { durable: false }).catch(() => undefined);
  };
}

/** The port on which a host listens; null if none is known to run. @throws EngineError STORAGE */
export async function runningPort(folder: string): Promise<number | null> {
  const stored = await read(folder);
  // A host that was killed leaves its file. Another program may have the port by now, and must not get the key.
  return stored !== null && isRunning(stored.holder) ? stored.port : null;
}

/** The port of the last host if none is known to run; null otherwise. @throws EngineError STORAGE */
export async function stoppedPort(folder: string): Promise<number | null> {
  const stored = await read(folder);
  return stored === null || isRunning(stored.holder) ? null : stored.port;
}

/** Whether no program listens on a port of this computer. */
export async function isFree(port: number): Promise<boolean> {
  // Pages may connect meanwhile.
  const probe = createServer((socket) => socket.destroy());
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen(port, '127.0.0.1', resolve);
    });
    return true;
  } catch {
    return false;
  } finally {
    await new Promise<void>((resolve) => probe.close(() => resolve()));
  }
}

function isRunning(holder: Holder): boolean {
  const presence = presenceOf(holder);
  // Elsewhere than on Linux, this is all that is known of a process that exists.
  const isLikely = process.platform !== 'linux' && presence === 'unknown' && holder.pid > 0;
  return presence === 'running' || isLikely;
}

async function read(folder: string): Promise<{ holder: Holder; port: number } | null> {
  const found = await readJson(join(folder, FILE));
  const parsed = found.state === 'read' ? v.safeParse(schema, found.value) : null;
  if (!parsed?.success) return null;
  return { holder: parseHolder(JSON.stringify(parsed.output)), port: parsed.output.port };
}
