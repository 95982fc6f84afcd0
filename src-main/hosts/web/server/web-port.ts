/** The port of the web host of a data folder, stored while the host runs, so that its address can be printed again. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { readJson, writeJson } from '../../../services/json-file.ts';
import { clearHolder, newHolder, parseHolder, presenceOf, type Holder } from '../../../services/lock-holder.ts';

const FILE = 'web-port';
const schema = v.looseObject({ port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)) });

/**
 * Stores the port in a file that only its owner can read. Of several hosts, the latest one counts.
 * @returns removes it; call when the host stops
 * @throws EngineError STORAGE
 */
export async function storePort(folder: string, port: number): Promise<() => Promise<void>> {
  const holder = newHolder('web');
  await writeJson(join(folder, FILE), { ...holder, port });
  return async () => {
    clearHolder(holder);
    if ((await read(folder))?.holder.token === holder.token) await rm(join(folder, FILE), { force: true });
  };
}

/** The port on which a host listens; null if none is known to run. @throws EngineError STORAGE */
export async function runningPort(folder: string): Promise<number | null> {
  const stored = await read(folder);
  // A host that was killed leaves its file. Another program may have the port by now, and must not get the key.
  return stored !== null && isRunning(stored.holder) ? stored.port : null;
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
