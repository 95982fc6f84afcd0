import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { UNANSWERED_MS } from '../../../lib/engine-watch.ts';

const STORAGE_KEY = 'tokenscope.unanswered';
/** Number of requests remembered; older ones are discarded. */
const MAX_REMEMBERED = 20;

/**
 * Checks and previews that the page requests by itself. Requests that got no response are remembered, even after a
 * restart, and not repeated: they would hang the engine again as soon as it is restarted.
 */
export class AutomaticRequests {
  readonly #storage: Pick<Storage, 'getItem' | 'setItem'> | null;
  readonly #responds: () => boolean;
  /** Without a storage. */
  #inMemory = '';

  /** @param storage null: they are remembered as long as the page @param responds whether the engine is responding */
  constructor(storage: Pick<Storage, 'getItem' | 'setItem'> | null, responds: () => boolean) {
    this.#storage = storage;
    this.#responds = responds;
  }

  /**
   * @param subject the part of the request that decides whether the engine hangs
   * @throws EngineError BAD_REQUEST if an earlier request with this subject got no response; whatever `work` throws
   */
  async run<T>(subject: unknown, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const key = digest(JSON.stringify(subject));
    if (this.#remembered().includes(key)) {
      throw new EngineError(
        'BAD_REQUEST',
        'The engine did not respond to this before, so it was not sent again. Change it, or click “Try again”.',
        { unanswered: true },
      );
    }
    let late = false;
    const timer = setTimeout(() => {
      late = !signal.aborted && !this.#responds();
      if (late) this.#remember([...this.#remembered(), key]);
    }, UNANSWERED_MS + 100);
    try {
      const result = await work();
      // It was slow, but it did respond.
      if (late) this.allow(subject);
      return result;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Allows a request again. */
  allow(subject: unknown): void {
    const key = digest(JSON.stringify(subject));
    this.#remember(this.#remembered().filter((other) => other !== key));
  }

  #remembered(): string[] {
    const stored = this.#storage === null ? this.#inMemory : this.#storage.getItem(STORAGE_KEY);
    return (stored ?? '').split(' ').filter((key) => key !== '');
  }

  #remember(keys: readonly string[]): void {
    this.#inMemory = keys.slice(-MAX_REMEMBERED).join(' ');
    this.#storage?.setItem(STORAGE_KEY, this.#inMemory);
  }
}

/** Distinguishes texts that people write (FNV-1a, 32 bits, and the length). Not collision-resistant. */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return `${text.length.toString(36)}-${(hash >>> 0).toString(36)}`;
}
