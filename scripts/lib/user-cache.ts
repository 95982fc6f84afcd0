import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** The user's cache folder for Tokenscope: survives `npm ci`, may be deleted at any time. */
export function userCache(...parts: string[]): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  const base =
    XDG_CACHE_HOME ??
    (process.platform === 'win32'
      ? (LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'))
      : process.platform === 'darwin'
        ? join(homedir(), 'Library', 'Caches')
        : join(homedir(), '.cache'));
  return join(base, 'tokenscope', ...parts);
}

/** The value of `name` if it was written less than `maxAgeMs` ago, else null. */
export async function readCached<T>(name: string, maxAgeMs: number): Promise<T | null> {
  try {
    const { at, value } = JSON.parse(await readFile(userCache(name), 'utf8')) as { at: number; value: T };
    return Date.now() - at < maxAgeMs ? value : null;
  } catch {
    return null; // Missing or damaged counts as not cached.
  }
}

export async function remember(name: string, value: unknown): Promise<void> {
  const path = userCache(name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify({ at: Date.now(), value }));
}
