import type { Clock, CompiledKernels, Measurements } from '../../api/platform.ts';

export interface Measured {
  /** Rates or times of several alternatives. */
  readonly values: readonly number[];
  /** Whether a repetition would give the same order; otherwise it is not stored. */
  readonly clear: boolean;
}

/** Takes a measurement of `ways` alternatives, or returns the stored one. */
export type MeasureOnce = (
  what: string,
  ways: number,
  measure: () => Measured | Promise<Measured>,
) => Promise<{ values: readonly number[]; before: boolean }>;

/** @param kept stored measurements; without them, every measurement is taken */
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

/** From this many times on, the highest is ignored: something else ran during it. */
const ENOUGH_TIMES = 4;
/** Alternatives whose best times differ by less are equally good: the choice loses at most this share. */
const TIE = 0.03;
/** Ratio of the highest to the best time up to which a tie is believed: below, other load was low. */
const STEADY = 1.25;

/**
 * The best times of two alternatives. Clear if the times of one are below the times of the other, which other load can
 * prevent, or if both are equally good.
 * @param first times in the order they were taken, at least one. The first one of each is ignored: V8 compiles during it.
 */
export function clearlyFaster(first: readonly number[], second: readonly number[]): Measured {
  const [a, b] = [first, second].map((times) => {
    const warm = (times.length > 1 ? times.slice(1) : times).toSorted((one, other) => one - other);
    const highest = warm[warm.length >= ENOUGH_TIMES ? warm.length - 2 : warm.length - 1];
    return { best: Math.min(...times), lowest: warm[0], highest, count: warm.length };
  });
  const isSeparate = a.highest < b.lowest || b.highest < a.lowest;
  const isSteady = [a, b].every(({ count, lowest, highest }) => count >= ENOUGH_TIMES && highest <= STEADY * lowest);
  const isTie = isSteady && Math.abs(a.lowest - b.lowest) < TIE * Math.min(a.lowest, b.lowest);
  return { values: [a.best, b.best], clear: isSeparate || isTie };
}

/** Number of timings of each alternative, and their maximum total time in ms. */
const TIMES = 6;
const TIMING_MS = 150;

/**
 * Times two alternatives, interleaved.
 * @param choose selects the first or the second and does what need not be timed
 * @returns ms of each
 */
export async function timeAlternatives(
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

/** Says in a reason when the measurement was taken. */
export function whenMeasured(before: boolean): string {
  return before ? 'measured earlier on this computer' : 'measured';
}
