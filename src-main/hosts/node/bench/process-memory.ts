import { readFileSync } from 'node:fs';

/** Bytes of memory that this process holds now. */
export function residentMemory(): number {
  return process.memoryUsage.rss();
}

/** The most that it ever held. */
export function peakMemory(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  // On Linux resourceUsage() counts what the process that started this one held.
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(peak?.[1] ?? 0) * 1024;
}
