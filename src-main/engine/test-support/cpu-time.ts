/**
 * Limits of CPU time are what the work may take on a machine of our own, times this: others are older, or share their
 * cores. Work without a bound takes far longer still.
 */
export const SLOWEST_MACHINE = 4;

/** CPU time of some work in ms: unlike wall-clock time, it does not depend on other load. */
export function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
