import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The key that a started web host keeps in its data folder. */
export function webKey(dataDir: string): Promise<string> {
  return readFile(join(dataDir, 'web-key'), 'utf8');
}

/** The address that the terminal prints: opening it signs a page in. */
export async function signedInAddress(origin: string, dataDir: string): Promise<string> {
  return `${origin}/#key=${await webKey(dataDir)}`;
}
