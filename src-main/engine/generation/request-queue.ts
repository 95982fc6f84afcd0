import type { CancelToken } from '../api/platform.ts';
import { cancelled } from './interrupt.ts';

/** Lets one request at a time use the model, in order of arrival. */
export class RequestQueue {
  private tail: Promise<void> = Promise.resolve();
  private requests = 0;

  /** Whether a request is running or waiting. */
  get busy(): boolean {
    return this.requests > 0;
  }

  /**
   * Waits for its turn.
   * @returns ends the turn; must be called, also after a failure
   * @throws EngineError CANCELLED for a request that is cancelled before its turn
   */
  async enter(cancel?: CancelToken): Promise<() => void> {
    const before = this.tail;
    let end!: () => void;
    const turn = new Promise<void>((resolve) => (end = resolve));
    // Even if it stops waiting, the next one still waits for those before it.
    this.tail = before.then(() => turn);
    this.requests++;
    const leave = () => {
      this.requests--;
      end();
    };
    try {
      await unlessCancelled(before, cancel);
      if (cancel?.cancelled) throw cancelled();
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  async run<T>(task: () => Promise<T>, cancel?: CancelToken): Promise<T> {
    const leave = await this.enter(cancel);
    try {
      return await task();
    } finally {
      leave();
    }
  }
}

function unlessCancelled(wait: Promise<void>, cancel: CancelToken | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stopListening = cancel?.onCancel?.(() => reject(cancelled()));
    void wait.then(() => {
      stopListening?.();
      resolve();
    });
  });
}
