/** Stopped lanes of the compares that are running or queued. */
import { EngineError } from '../../engine/api/errors.ts';
import type { CancelToken } from '../../engine/api/platform.ts';

export class LaneStops {
  /** By key: a token for each lane. */
  readonly #open = new Map<string, { cancelled: boolean }[]>();

  /**
   * @returns a token for each lane
   * @throws EngineError BAD_REQUEST when another compare has the key
   */
  open(key: string, lanes: number): readonly CancelToken[] {
    if (this.#open.has(key)) {
      throw new EngineError('BAD_REQUEST', `Another compare has the key "${key}". Use a different one.`, { key });
    }
    const tokens = Array.from({ length: lanes }, () => ({ cancelled: false }));
    this.#open.set(key, tokens);
    return tokens;
  }

  /** @returns whether the lane exists */
  stop(key: string, lane: number): boolean {
    const token = this.#open.get(key)?.[lane];
    if (token === undefined) return false;
    token.cancelled = true;
    return true;
  }

  close(key: string): void {
    this.#open.delete(key);
  }
}
