import type { Clock } from '../api/platform.ts';
import type { Speculation, Timings } from '../api/types.ts';

/** The common prefix of several prompts, which was computed once. */
export interface SharedPrefill {
  /** When the replies were requested. */
  readonly startedAt: number;
  readonly prefillMs: number;
  readonly computedTokens: number;
}

/** Times one reply, from the start of its processing. */
export class ReplyTimer {
  readonly startedAt: number;
  private prefillMs = 0;
  private prefillTokens = 0;
  private firstTokenAt: number | null = null;
  private lastTokenAt: number;
  /** Whether the next token waits for prefill, so that its time counts for no rate. */
  private waits = true;
  private decodeMs = 0;
  private decodedTokens = 0;

  /** @param shared prefill for several replies, this one included */
  constructor(
    private readonly clock: Clock,
    private readonly loadMs: number,
    private readonly shared?: SharedPrefill,
    startedAt = shared?.startedAt ?? clock.now(),
  ) {
    this.startedAt = startedAt;
    this.lastTokenAt = this.startedAt;
  }

  /** @param computedTokens prompt tokens that were prefilled, without reused ones */
  prefilled(sinceMs: number, computedTokens: number): void {
    this.prefillMs = this.clock.now() - sinceMs + (this.shared?.prefillMs ?? 0);
    this.prefillTokens = computedTokens + (this.shared?.computedTokens ?? 0);
  }

  /** The next token comes from the prompt's run, or after another executor has prefilled prompt and reply. */
  waitsForPrefill(): void {
    this.waits = true;
  }

  /** Records a drawn token. @returns ms since the previous one, or since the start */
  token(): number {
    const now = this.clock.now();
    const latency = now - this.lastTokenAt;
    if (!this.waits) {
      this.decodeMs += latency;
      this.decodedTokens++;
    }
    this.waits = false;
    this.firstTokenAt ??= now;
    this.lastTokenAt = now;
    return latency;
  }

  timings(speculation?: Speculation): Timings {
    return {
      loadMs: this.loadMs,
      prefillMs: this.prefillMs,
      timeToFirstTokenMs: this.firstTokenAt === null ? null : this.firstTokenAt - this.startedAt,
      prefillTokensPerSecond: perSecond(this.prefillTokens, this.prefillMs),
      decodeTokensPerSecond: perSecond(this.decodedTokens, this.decodeMs),
      totalMs: this.clock.now() - this.startedAt,
      ...(speculation === undefined ? {} : { speculation }),
    };
  }
}

/** Null when nothing was counted or the clock did not advance. */
function perSecond(count: number, ms: number): number | null {
  return count > 0 && ms > 0 ? (count / ms) * 1000 : null;
}
