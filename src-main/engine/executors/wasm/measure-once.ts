import type { Clock, CompiledKernels, Measurements } from '../../api/platform.ts';

export interface Measured {
  /** Of some ways to compute the same: how fast each was. */
  readonly values: readonly number[];
  /** Whether it would come out so again; else it is not kept. */
  readonly clear: boolean;
}

/** Takes a measurement of `ways`, or what it gave when it was taken before. */
export type MeasureOnce = (
  what: string,
  ways: number,
  measure: () => Measured | Promise<Measured>,
) => Promise<{ values: readonly number[]; before: boolean }>;

/** @param kept left out, each measurement is taken */
export function measureOnce(kernels: Pick<CompiledKernels, 'hash'>, kept: Measurements | undefined): MeasureOnce {
  const { hash } = kernels;
  return async (what, ways, measure) => {
    if (kept === undefined || hash === undefined) return { values: (await measure()).values, before: false };
    const key = `${what}, kernels ${hash}`;
    const known = await kept.get(key);
    if (known?.length === ways) return { values: known, before: true };
    const { values, clear } = await measure();
    if (clear) await kept.set(key, values);
    return { values, before: false };
  };
}

/**
 * The best times of two ways. Clear where each time of one is below each of the other: not so where other programs keep
 * the processor busy.
 * @param first times in the order they were taken, at least one; each way's first is slow, as V8 compiles meanwhile
 */
export function clearlyFaster(first: readonly number[], second: readonly number[]): Measured {
  const [a, b] = [first, second].map((times) => {
    const warm = times.length > 1 ? times.slice(1) : times;
    return { best: Math.min(...times), worst: Math.max(...warm) };
  });
  return { values: [a.best, b.best], clear: a.worst < b.best || b.worst < a.best };
}

/** How often each of two ways is timed, and for how long at most, ms. */
const TIMES = 6;
const TIMING_MS = 150;

/**
 * Times two ways in turns.
 * @param choose the first or the second, and does what need not be timed
 * @returns ms of each
 */
export async function timeTwoWays(
  clock: Clock,
  choose: (first: boolean) => void | Promise<void>,
  run: () => Promise<void>,
): Promise<Measured> {
  const times: [number[], number[]] = [[], []];
  const end = clock.now() + TIMING_MS;
  for (let i = 0; i < TIMES && (i === 0 || clock.now() < end); i++) {
    for (const way of [0, 1] as const) {
      await choose(way === 0);
      const started = clock.now();
      await run();
      times[way].push(clock.now() - started);
    }
  }
  return clearlyFaster(...times);
}

/** How a reason says when that was. */
export function whenMeasured(before: boolean): string {
  return before ? 'measured earlier on this computer' : 'measured';
}
