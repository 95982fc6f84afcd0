import type { CompiledKernels, Measurements } from '../../platform.ts';

/** Of two ways to compute the same: how fast each was. */
export type Pair = readonly [number, number];

/** Takes a measurement, or what it gave when it was taken before. */
export type MeasureOnce = (
  what: string,
  measure: () => Pair | Promise<Pair>,
) => Promise<{ values: Pair; before: boolean }>;

/** @param kept left out, each measurement is taken */
export function measureOnce(kernels: Pick<CompiledKernels, 'hash'>, kept: Measurements | undefined): MeasureOnce {
  const { hash } = kernels;
  return async (what, measure) => {
    if (kept === undefined || hash === undefined) return { values: await measure(), before: false };
    const key = `${what}, kernels ${hash}`;
    const known = await kept.get(key);
    if (known?.length === 2) return { values: [known[0], known[1]], before: true };
    const values = await measure();
    await kept.set(key, values);
    return { values, before: false };
  };
}

/** How a reason says when that was. */
export function whenMeasured(before: boolean): string {
  return before ? 'measured before on this computer' : 'measured';
}
