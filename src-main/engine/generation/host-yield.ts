import type { Platform } from '../api/platform.ts';

/** Longest time that the host's messages wait for the engine: about one frame. */
const MAX_BUSY_MS = 16;

/** Lets the host's event loop run between steps, often enough for messages but rarely enough to be cheap. */
export class HostYield {
  private last: number;

  constructor(private readonly platform: Platform) {
    this.last = platform.clock.now();
  }

  /** Whether a request's cancellation can only arrive here, not during a run. */
  get isOnlyPoll(): boolean {
    return this.platform.yieldEveryToken === true;
  }

  async ifDue(): Promise<void> {
    const due = this.isOnlyPoll || this.platform.clock.now() - this.last >= MAX_BUSY_MS;
    if (!due) return;
    await this.platform.yieldToHost();
    this.last = this.platform.clock.now();
  }
}
