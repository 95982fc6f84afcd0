import { EngineError } from '../../../../src-main/engine/errors.ts';
import { UNANSWERED_MS } from '../../../lib/engine-watch.ts';

const STORAGE_KEY = 'tokenscope.unanswered';
/** More are not remembered; the oldest is forgotten. */
const MAX_REMEMBERED = 20;

/**
 * Checks and previews that the engine is asked for without a person's wish. What it did not answer is remembered, also
 * for the next start, and not asked again: an engine that hangs would hang again as soon as it is restarted.
 */
export class AutomaticRequests {
  readonly #storage: Pick<Storage, 'getItem' | 'setItem'>;
  readonly #responds: () => boolean;

  /** @param responds whether the engine still answers */
  constructor(storage: Pick<Storage, 'getItem' | 'setItem'>, responds: () => boolean) {
    this.#storage = storage;
    this.#responds = responds;
  }

  /**
   * @param subject what the engine is given, apart from what hardly matters to whether it hangs
   * @throws EngineError BAD_REQUEST when the engine did not answer the same before; whatever `work` throws
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
      // Slow, but it did answer.
      if (late) this.allow(subject);
      return result;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets the engine be given it once more. */
  allow(subject: unknown): void {
    const key = digest(JSON.stringify(subject));
    this.#remember(this.#remembered().filter((other) => other !== key));
  }

  #remembered(): string[] {
    return (this.#storage.getItem(STORAGE_KEY) ?? '').split(' ').filter((key) => key !== '');
  }

  #remember(keys: readonly string[]): void {
    this.#storage.setItem(STORAGE_KEY, keys.slice(-MAX_REMEMBERED).join(' '));
  }
}

/** Tells texts apart that people write; not against anybody who wants two to be the same (FNV-1a, 32 bits, and the length). */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return `${text.length.toString(36)}-${(hash >>> 0).toString(36)}`;
}
