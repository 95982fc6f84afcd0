/** How a browser and a test get into the web host: the only place that knows where its key is. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TOKEN_HEADER } from '../../src-main/protocol/app/app-bridge.ts';

export interface SignIn {
  /** Opened in a browser, it shows the app. */
  address: string;
  origin: string;
  /** For requests to the services. */
  headers: Record<string, string>;
}

/** The key that a started web host keeps in its data folder. */
export function webKey(dataDir: string): Promise<string> {
  return readFile(join(dataDir, 'web-key'), 'utf8');
}

/** The address that the terminal prints: opening it signs a page in. */
export async function signedInAddress(origin: string, dataDir: string): Promise<string> {
  return `${origin}/#key=${await webKey(dataDir)}`;
}

/** The address that the web host printed; null while it has printed none. */
export function printedAddress(output: string): string | null {
  return /^Tokenscope is running at (http:\S+)\r?\n/m.exec(output)?.[1] ?? null;
}

/** @throws Error when the address holds no key */
export function signIn(address: string): SignIn {
  const { origin, hash } = new URL(address);
  const key = /^#key=(.+)$/.exec(hash)?.[1];
  if (key === undefined) throw new Error(`The address ${address} holds no key.`);
  return { address, origin, headers: { origin, 'content-type': 'application/json', [TOKEN_HEADER]: key } };
}
