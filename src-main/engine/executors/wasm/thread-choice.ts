import { type Measured, type MeasureOnce, whenMeasured } from './measure-once.ts';

export interface ThreadChoice {
  readonly threads: number;
  /** For a person. */
  readonly reason: string;
  /** Whether no token had to be timed. */
  readonly before: boolean;
}

/**
 * How many of `most` threads compute a single token fastest. Meeting costs more the more there are, memory gives no more
 * to many than to some, and two threads of one core are in each other's way: halves their number as long as that is faster.
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
