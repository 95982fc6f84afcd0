import type { Platform } from '../api/platform.ts';

/** Longest time that the host's messages wait for the engine: about one frame. */
const MAX_BUSY_MS = 16;

/** Lets the host's event loop run between steps, often enough for messages but not so often that it costs. */
export class HostYield {
  private last: number;

  constructor(private readonly platform: Platform) {
    this.last = platform.clock.now();
  }

  /** Whether nothing else hears that a request is cancelled: no run does while it computes. */
  get hearsAlone(): boolean {
    return this.platform.yieldEveryToken === true;
  }

  async ifDue(): Promise<void> {
    const due = this.hearsAlone || this.platform.clock.now() - this.last >= MAX_BUSY_MS;
    if (!due) return;
    await this.platform.yieldToHost();
    this.last = this.platform.clock.now();
  }
}
