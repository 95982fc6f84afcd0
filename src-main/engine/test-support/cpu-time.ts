/** CPU time that some work takes, ms: unlike the clock's, it does not grow when other programs run beside the tests. */
export function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
