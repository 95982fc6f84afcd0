/**
 * Which program gets the key of the web host. Another one may listen at its address once it has stopped, so after a lost
 * connection the host proves that it has the key, too, before a page sends it again.
 */
import { newSha256 } from '../sha256.ts';
import { PROOF_ROUTE, TOKEN_HEADER } from './app-bridge.ts';

/** Of SHA-256, bytes. */
const BLOCK = 64;
/** Limit for a program that accepts connections and does not respond, ms. */
const PROOF_TIMEOUT_MS = 5000;

/** Another program responded, or the host has another key by now. */
export class UnknownHostError extends Error {
  constructor() {
    super('another program responded');
  }
}

/**
 * What the host answers to a page's nonce: HMAC-SHA256 (RFC 2104) with the key, lowercase hex. The origin is part of it,
 * so another program cannot pass on the answer of a host on another port.
 * @param key at most 64 bytes
 */
export function hostProof(key: string, origin: string, nonce: string): string {
  const utf8 = new TextEncoder();
  const secret = new Uint8Array(BLOCK);
  secret.set(utf8.encode(key).subarray(0, BLOCK));
  const hashAfter = (pad: number) => {
    const hash = newSha256();
    hash.update(secret.map((byte) => byte ^ pad));
    return hash;
  };
  const inner = hashAfter(0x36);
  inner.update(utf8.encode(`${origin} ${nonce}`));
  const outer = hashAfter(0x5c);
  outer.update(Uint8Array.from(inner.digest().match(/../g) ?? [], (byte) => parseInt(byte, 16)));
  return outer.digest();
}

/** Sends requests with the key, to the host only. */
export class KnownHost {
  readonly #key: string;
  readonly #origin: string;
  readonly #fetcher: typeof fetch;
  #isKnown: boolean;
  /** Number of lost connections. */
  #losses = 0;
  #proving: Promise<void> | null = null;

  /** @param parts `isKnown`: the host has just sent this page or Worker, and with it the code that has the key */
  constructor(parts: { key: string; origin: string; fetcher: typeof fetch; isKnown: boolean }) {
    this.#key = parts.key;
    this.#origin = parts.origin;
    // Browsers refuse to call theirs as a method.
    const { fetcher } = parts;
    this.#fetcher = (url: RequestInfo | URL, init?: RequestInit) => fetcher(url, init);
    this.#isKnown = parts.isKnown;
  }

  /** A connection was lost, so the next request waits for a proof. */
  lost(): void {
    this.#isKnown = false;
    this.#losses++;
  }

  /** `fetch` with the key. @throws UnknownHostError */
  readonly fetch: typeof fetch = async (url: RequestInfo | URL, init: RequestInit = {}) => {
    // Without waiting for a known host: a page that is being closed could not.
    while (!this.#isKnown) {
      this.#proving ??= this.#prove().finally(() => (this.#proving = null));
      await this.#proving;
    }
    const headers = { ...(init.headers as Record<string, string>), [TOKEN_HEADER]: this.#key };
    try {
      return await this.#fetcher(url, { ...init, headers });
    } catch (error) {
      // The page itself may have ended the request.
      if (init.signal?.aborted !== true) this.lost();
      throw error;
    }
  };

  async #prove(): Promise<void> {
    const losses = this.#losses;
    const nonce = crypto.randomUUID();
    const response = await this.#fetcher(PROOF_ROUTE, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ nonce }),
      signal: AbortSignal.timeout(PROOF_TIMEOUT_MS),
    });
    if (proofIn(await response.text()) !== hostProof(this.#key, this.#origin, nonce)) throw new UnknownHostError();
    this.#isKnown = losses === this.#losses;
  }
}

/** Any program may have written the body. */
function proofIn(body: string): unknown {
  try {
    return (JSON.parse(body) as { result?: unknown } | null)?.result;
  } catch {
    return null;
  }
}
