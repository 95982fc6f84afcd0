/** Validity of stored measurements of this computer, in any host. */

/** Expiry, because the computer may have been busy during a measurement. */
const DAY_MS = 86_400_000;

export interface StoredMeasurement {
  /** When it was taken, ms since 1970. */
  readonly at: number;
  readonly numbers: readonly number[];
}

/** Whether a value is a measurement of the last day: all numbers finite and above 0. */
export function isFresh(value: unknown, now: number): value is StoredMeasurement {
  if (typeof value !== 'object' || value === null) return false;
  const { at, numbers } = value as Partial<Record<keyof StoredMeasurement, unknown>>;
  if (typeof at !== 'number' || !(at <= now && at > now - DAY_MS)) return false;
  return Array.isArray(numbers) && numbers.every((number) => Number.isFinite(number) && number > 0);
}
