/** What the app was asked to open while it quit for an installer, which starts it again without arguments. */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argumentOf, requestsIn, type OpenRequest } from './open-requests.ts';

/** Later, nobody expects it any more, ms. */
const KEEP_MS = 10 * 60 * 1000;

const pathIn = (dataFolder: string) => join(dataFolder, 'open-requests.json');

/** For the next start. */
export function keepRequests(dataFolder: string, requests: readonly OpenRequest[]): void {
  if (requests.length === 0) return;
  try {
    writeFileSync(pathIn(dataFolder), JSON.stringify(requests.map(argumentOf)));
  } catch (error) {
    process.stderr.write(`tokenscope: ${String(error)}\n`);
  }
}

/** What the process before kept. They are not kept any longer. */
export function keptRequests(dataFolder: string, now = Date.now()): OpenRequest[] {
  const path = pathIn(dataFolder);
  try {
    const { mtimeMs } = statSync(path);
    const text = readFileSync(path, 'utf8');
    rmSync(path);
    const value = JSON.parse(text) as unknown;
    if (!Array.isArray(value) || now - mtimeMs > KEEP_MS) return [];
    return requestsIn(
      value.filter((arg) => typeof arg === 'string'),
      dataFolder,
    );
  } catch {
    // Usually there are none.
    return [];
  }
}
