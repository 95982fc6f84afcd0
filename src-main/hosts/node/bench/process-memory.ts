import { readFileSync } from 'node:fs';

/** Current resident memory of this process, bytes. */
export function residentMemory(): number {
  return process.memoryUsage.rss();
}

/** Peak resident memory. */
export function peakMemory(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  // On Linux resourceUsage() includes the parent process's memory.
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(peak?.[1] ?? 0) * 1024;
}
