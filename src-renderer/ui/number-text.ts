/** Numbers as a `NumberField` shows and reads them. */
import { formatInteger } from './format.ts';
import { decimalsOf } from './slider-keys.ts';

/** Decimals of a fraction, which may be finer than the steps of the arrow keys. */
const MAX_DECIMALS = 4;

/**
 * @param decimals of a step: 0 for whole numbers, for fractions the fewest that are shown
 * @param grouped writes whole numbers with commas between thousands
 */
export function numberText(value: number, decimals: number, grouped: boolean): string {
  if (decimals === 0) return grouped ? formatInteger(value) : value.toFixed(0);
  return value.toFixed(Math.max(decimals, decimalsOf(rounded(value, decimals))));
}

/** Rounds a number as it can be typed. @param decimals of a step */
export function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals === 0 ? 0 : Math.max(decimals, MAX_DECIMALS)));
}

/** The typed number; null if there is none, undefined if the text is no number. */
export function numberFrom(text: string, decimals: number): number | null | undefined {
  const compact = text.replaceAll(/\s/g, '');
  // Some languages have a decimal comma. Whole numbers have commas between thousands only.
  const isPoint = decimals > 0 && /^[^.,]*,[^.,]*$/.test(compact);
  const plain = isPoint ? compact.replace(',', '.') : compact.replaceAll(',', '');
  if (plain === '') return null;
  const number = Number(plain);
  return Number.isFinite(number) ? number : undefined;
}
