import { EngineError } from '../api/errors.ts';
import type { CancelToken, Clock } from '../api/platform.ts';

/** Interrupts a reply: the time limit or the user. Executors poll it between operations. */
export class Interrupt implements CancelToken {
  private readonly deadline: number;

  constructor(
    private readonly clock: Clock,
    startedAt: number,
    timeLimitMs: number | null,
    private readonly user: CancelToken | undefined,
  ) {
    this.deadline = timeLimitMs === null ? Number.POSITIVE_INFINITY : startedAt + timeLimitMs;
  }

  get cancelled(): boolean {
    return this.reason() !== null;
  }

  reason(): 'time_limit' | 'user' | null {
    // Executors poll hundreds of times per token, and most replies have no limit, so the clock is read only if needed.
    if (this.deadline !== Number.POSITIVE_INFINITY && this.clock.now() >= this.deadline) return 'time_limit';
    return this.user?.cancelled ? 'user' : null;
  }

  /** @throws EngineError CANCELLED */
  throwIfCancelled(): void {
    if (this.cancelled) throw cancelled();
  }
}

export function cancelled(): EngineError {
  return new EngineError('CANCELLED', 'The request was cancelled.');
}
