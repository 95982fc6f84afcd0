export interface SliderRange {
  min: number;
  max: number;
  step: number;
}

/** Rounds to a step and clamps to the range, without floating-point residue (0.1 + 0.2 is 0.3). */
export function snap(value: number, { min, max, step }: SliderRange): number {
  const decimals = Math.max(decimalsOf(step), decimalsOf(min));
  const snapped = min + Math.round((value - min) / step) * step;
  return Number(Math.min(max, Math.max(min, snapped)).toFixed(decimals));
}

/** Decimal places of a step: 0.05 has 2. */
export function decimalsOf(step: number): number {
  const text = String(step);
  const exponent = /e-(\d+)$/.exec(text);
  if (exponent) return Number(exponent[1]);
  const point = text.indexOf('.');
  return point < 0 ? 0 : text.length - point - 1;
}

/**
 * The value that a key leads to: arrows one step, with Shift ten, Page Up and Down ten, Home and End the ends, Delete
 * and Backspace the default. Null when the key means nothing here.
 */
export function valueForKey(
  event: { key: string; shiftKey: boolean },
  value: number,
  range: SliderRange,
  defaultValue: number | undefined,
): number | null {
  const step = range.step * (event.shiftKey ? 10 : 1);
  switch (event.key) {
    case 'ArrowRight':
    case 'ArrowUp':
      return snap(value + step, range);
    case 'ArrowLeft':
    case 'ArrowDown':
      return snap(value - step, range);
    case 'PageUp':
      return snap(value + range.step * 10, range);
    case 'PageDown':
      return snap(value - range.step * 10, range);
    case 'Home':
      return range.min;
    case 'End':
      return range.max;
    case 'Delete':
    case 'Backspace':
      return defaultValue ?? null;
    default:
      return null;
  }
}
