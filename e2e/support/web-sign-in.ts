/** How a browser and a test get into the web host: the only place that knows where its token is. */
import { TOKEN_HEADER, TOKEN_META } from '../../src-main/protocol/app-bridge.ts';

export interface SignIn {
  /** Opened in a browser, it shows the app. */
  address: string;
  origin: string;
  /** For requests to the services. */
  headers: Record<string, string>;
}

/** The address that the web host prints; null while it has printed none. */
export function printedAddress(output: string): string | null {
  return /^Tokenscope is at (http:\S+)\r?\n/m.exec(output)?.[1] ?? null;
}

/** @throws Error when the page holds no token */
export async function signIn(address: string): Promise<SignIn> {
  const { origin } = new URL(address);
  const page = await (await fetch(address)).text();
  const token = new RegExp(`<meta name="${TOKEN_META}" content="([^"]+)"`).exec(page)?.[1];
  if (token === undefined) throw new Error(`The page at ${address} holds no token.`);
  return { address, origin, headers: { origin, 'content-type': 'application/json', [TOKEN_HEADER]: token } };
}
