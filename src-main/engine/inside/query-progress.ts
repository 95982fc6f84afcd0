import type { Platform } from '../api/platform.ts';

/** Between reports, and before the first one, ms: long enough that most queries are answered without any. */
const INTERVAL_MS = 100;

/** How much of what a query needs is computed, 0..1. */
export type OnProgress = (fraction: number) => void;

/** Passes on only as many reports as a person can follow. */
export function nowAndThen(report: OnProgress, clock: Platform['clock']): OnProgress {
  let last = clock.now();
  return (fraction) => {
    const now = clock.now();
    if (now - last < INTERVAL_MS) return;
    last = now;
    report(fraction);
  };
}
