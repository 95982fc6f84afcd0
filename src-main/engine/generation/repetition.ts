/** Whether the last `window` ids equal the `window` before them, all from `start` on. False for a window of 0. */
export function endsInRepetition(ids: readonly number[], window: number, start = 0): boolean {
  if (window <= 0 || ids.length - start < 2 * window) return false;
  for (let i = ids.length - window; i < ids.length; i++) {
    if (ids[i] !== ids[i - window]) return false;
  }
  return true;
}
