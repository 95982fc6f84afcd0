/** How a browser and a test authenticate with the web host: the only code that knows where its key is. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TOKEN_HEADER } from '../../src-main/protocol/app/app-bridge.ts';

export interface SignIn {
  /** Address that shows the app in a browser. */
  address: string;
  origin: string;
  /** For requests to the services. */
  headers: Record<string, string>;
}

/** The key of a started web host in its data folder. */
export function webKey(dataDir: string): Promise<string> {
  return readFile(join(dataDir, 'web-key'), 'utf8');
}

/** The address that the terminal prints: opening it signs a page in. */
export async function signedInAddress(origin: string, dataDir: string): Promise<string> {
  return `${origin}/#key=${await webKey(dataDir)}`;
}

/** The address printed by the web host; null before it was printed. */
export function printedAddress(output: string): string | null {
  return /^Tokenscope is running at (http:\S+)\r?\n/m.exec(output)?.[1] ?? null;
}

/** @throws Error when the address has no key */
export function signIn(address: string): SignIn {
  const { origin, hash } = new URL(address);
  const key = /^#key=(.+)$/.exec(hash)?.[1];
  if (key === undefined) throw new Error(`The address ${address} holds no key.`);
  return { address, origin, headers: { origin, 'content-type': 'application/json', [TOKEN_HEADER]: key } };
}
