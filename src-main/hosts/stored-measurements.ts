/** Which measurements of this computer still hold, wherever a host keeps them. */

/** The computer may have been busy when something was measured. */
const DAY_MS = 86_400_000;

export interface KeptMeasurement {
  /** When it was taken, ms since 1970. */
  readonly at: number;
  readonly numbers: readonly number[];
}

/** Whether a value is a measurement of the last day: all numbers finite and above 0. */
export function stillHolds(value: unknown, now: number): value is KeptMeasurement {
  if (typeof value !== 'object' || value === null) return false;
  const { at, numbers } = value as Partial<Record<keyof KeptMeasurement, unknown>>;
  if (typeof at !== 'number' || !(at <= now && at > now - DAY_MS)) return false;
  return Array.isArray(numbers) && numbers.every((number) => Number.isFinite(number) && number > 0);
}
