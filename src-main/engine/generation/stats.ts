import type { Clock } from '../api/platform.ts';
import type { Timings } from '../api/types.ts';

/** The beginning of the prompt that was computed once for several replies. */
export interface SharedPrefill {
  /** When the replies were asked for. */
  readonly startedAt: number;
  readonly prefillMs: number;
  readonly computedTokens: number;
}

/** Measures one reply, from the moment that the engine takes it up. */
export class ReplyTimer {
  readonly startedAt: number;
  private prefillMs = 0;
  private prefillTokens = 0;
  private firstTokenAt: number | null = null;
  private lastTokenAt: number;
  private tokens = 0;

  /** @param shared what was done for several replies before this one */
  constructor(
    private readonly clock: Clock,
    private readonly loadMs: number,
    private readonly shared?: SharedPrefill,
  ) {
    this.startedAt = shared?.startedAt ?? clock.now();
    this.lastTokenAt = this.startedAt;
  }

  /** @param computedTokens prompt tokens that went through the model, those found in the cache left out */
  prefilled(sinceMs: number, computedTokens: number): void {
    this.prefillMs = this.clock.now() - sinceMs + (this.shared?.prefillMs ?? 0);
    this.prefillTokens = computedTokens + (this.shared?.computedTokens ?? 0);
  }

  /** A token was drawn. @returns ms since the one before, or since the start */
  token(): number {
    const now = this.clock.now();
    const latency = now - this.lastTokenAt;
    this.firstTokenAt ??= now;
    this.lastTokenAt = now;
    this.tokens++;
    return latency;
  }

  timings(): Timings {
    const decodeMs = this.firstTokenAt === null ? 0 : this.lastTokenAt - this.firstTokenAt;
    return {
      loadMs: this.loadMs,
      prefillMs: this.prefillMs,
      timeToFirstTokenMs: this.firstTokenAt === null ? null : this.firstTokenAt - this.startedAt,
      prefillTokensPerSecond: perSecond(this.prefillTokens, this.prefillMs),
      decodeTokensPerSecond: perSecond(this.tokens - 1, decodeMs),
      totalMs: this.clock.now() - this.startedAt,
    };
  }
}

/** Null when nothing was counted or the clock did not move: a rate would be made up. */
function perSecond(count: number, ms: number): number | null {
  return count > 0 && ms > 0 ? (count / ms) * 1000 : null;
}
