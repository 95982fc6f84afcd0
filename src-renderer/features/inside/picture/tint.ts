/** Colours of cells (look.md, "Scales"): more ink is more weight. Negative values have another hue. */

const POSITIVE_STEPS = 9;
const NEGATIVE_STEPS = 7;
/** Keeps small values visible. */
const CURVE = 0.62;

export const POSITIVE_TINTS = Array.from({ length: POSITIVE_STEPS }, (_, step) => `--weight-${step}`);
/** Strongest first, as on a scale from negative to positive. */
export const NEGATIVE_TINTS = Array.from({ length: NEGATIVE_STEPS }, (_, i) => `--surp-${NEGATIVE_STEPS - 1 - i}`);

/** All design tokens of tints. */
export const TINTS: readonly string[] = [...POSITIVE_TINTS, ...NEGATIVE_TINTS.toReversed()];
/** In place of an index into `TINTS`, where nothing is. */
export const NO_TINT = 255;

/** Index into `TINTS`. @param max the absolute value of the strongest colour */
export function tintIndex(value: number, max: number): number {
  const share = max > 0 ? Math.min(1, Math.abs(value) / max) ** CURVE : 0;
  const steps = value < 0 ? NEGATIVE_STEPS : POSITIVE_STEPS;
  const step = Math.min(steps - 1, Math.floor(share * steps));
  return value < 0 ? POSITIVE_STEPS + step : step;
}

/** The design token for a value. @param max the absolute value of the strongest colour */
export function tintOf(value: number, max: number): string {
  return TINTS[tintIndex(value, max)];
}
