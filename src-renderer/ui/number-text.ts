/** Numbers as a `NumberField` shows and reads them. */
import { formatInteger } from './format.ts';

/** @param grouped writes whole numbers with commas between thousands */
export function numberText(value: number, decimals: number, grouped: boolean): string {
  return grouped && decimals === 0 ? formatInteger(value) : value.toFixed(decimals);
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
