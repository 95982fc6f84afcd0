/** CPU time of some work in ms: unlike wall-clock time, it does not depend on other load. */
export function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
