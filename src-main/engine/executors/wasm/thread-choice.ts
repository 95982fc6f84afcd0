import { type Measured, type MeasureOnce, whenMeasured } from './measure-once.ts';

/** Default maximum of threads: more gain little, because memory bandwidth is the limit. */
const MOST_THREADS = 8;

/** Default number of threads if `available` can run at once. */
export function threadsFor(available: number): number {
  return Math.min(available, MOST_THREADS);
}

export interface ThreadChoice {
  readonly threads: number;
  /** Explanation for people. */
  readonly reason: string;
  /** Whether no token had to be timed. */
  readonly before: boolean;
}

/**
 * Chooses how many of `most` threads compute a single token fastest. Barriers cost more with more threads, memory
 * bandwidth is limited, and two threads of one core compete. So it halves their number while that is faster.
 * @param costs what a token's time depends on @param time ms of one token on each of two numbers of threads
 */
export async function chooseThreads(
  most: number,
  costs: string,
  once: MeasureOnce,
  time: (more: number, fewer: number) => Promise<Measured>,
): Promise<ThreadChoice> {
  if (most === 1) return { threads: 1, reason: 'only one thread is available', before: false };
  const found = new Map<number, number>();
  let known = true;
  let threads = most;
  while (threads > 1) {
    const [more, fewer] = [threads, Math.ceil(threads / 2)];
    const { values, before } = await once(`${more} or ${fewer} threads, ${costs}`, 2, () => time(more, fewer));
    known &&= before;
    found.set(more, values[0]).set(fewer, values[1]);
    if (values[0] < values[1]) break;
    threads = fewer;
  }
  const times = [...found].map(([count, ms], i) => {
    return `${ms.toFixed(2)} ms on ${count === 1 ? 'one' : count}${i === 0 ? ' threads' : ''}`;
  });
  return { threads, reason: `${whenMeasured(known)}: one token takes ${times.join(', ')}`, before: known };
}
