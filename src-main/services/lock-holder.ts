/** Who holds a lock file, and whether that process still runs. */
import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { codeOf } from './json-file.ts';

/** The content of a lock file. It never changes while the lock is held; the file's modification time is the heartbeat. */
export interface Holder {
  token: string;
  pid: number;
  /** Host name. */
  machine: string;
  /** Name of the kind of holder: `app`, `web`, `file`. */
  label: string;
  /** Linux: id of the kernel's boot; null elsewhere and in locks of earlier versions. */
  boot: string | null;
  /** Linux: the namespace of `pid`. Containers (Flatpak, Docker) have their own. */
  pidNamespace: string | null;
  /** Linux: when the process started, in clock ticks since boot, which detects a reused process id. */
  startTicks: string | null;
}

/**
 * `unknown`: the process id is not meaningful here (another machine, another namespace, an id that may be reused), so
 * only the heartbeat counts.
 */
export type Presence = 'running' | 'gone' | 'unknown';

/** A lock whose content cannot be read, for example because the disk was full when it was written. */
const UNKNOWN_HOLDER: Holder = {
  token: '',
  pid: 0,
  machine: '',
  label: '',
  boot: null,
  pidNamespace: null,
  startTicks: null,
};

/**
 * Locks that this process holds or waits for: a lock with our process id and another token is from an earlier process.
 */
const liveTokens = new Set<string>();

const here = {
  machine: hostname(),
  boot: orNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
  pidNamespace: orNull(() => readlinkSync('/proc/self/ns/pid')),
  startTicks: processState(process.pid)?.startTicks ?? null,
};

/** This process as the holder of one lock, with a new token. Counts as running until `clearHolder`. */
export function newHolder(label: string): Holder {
  const token = randomUUID();
  liveTokens.add(token);
  return { token, pid: process.pid, label, ...here };
}

export function clearHolder({ token }: Holder): void {
  liveTokens.delete(token);
}

/** Of file locks from before there was a heartbeat: `PID HOST UUID`. */
const EARLIER_FORMAT = /^(\d+) (\S+) \S+$/;

export function parseHolder(text: string): Holder {
  const [, earlierPid, earlierMachine = ''] = EARLIER_FORMAT.exec(text) ?? [];
  if (earlierPid !== undefined) {
    return { ...UNKNOWN_HOLDER, token: text, pid: Number(earlierPid), machine: earlierMachine };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return UNKNOWN_HOLDER;
  }
  if (typeof value !== 'object' || value === null) return UNKNOWN_HOLDER;
  const { token, pid, machine, label, boot, pidNamespace, startTicks } = value as Partial<
    Record<keyof Holder, unknown>
  >;
  const complete =
    typeof token === 'string' && typeof pid === 'number' && typeof machine === 'string' && typeof label === 'string';
  if (!complete) return UNKNOWN_HOLDER;
  const own = { boot: textOrNull(boot), pidNamespace: textOrNull(pidNamespace), startTicks: textOrNull(startTicks) };
  return { token, pid, machine, label, ...own };
}

/** Whether a holder's process is running, judging by its process id. */
export function presenceOf(holder: Holder): Presence {
  if (liveTokens.has(holder.token)) return 'running';
  if (holder.pid <= 0) return 'unknown';
  if (!sharesProcessIds(holder)) {
    // Earlier versions wrote neither boot nor namespace: an existing process counts, a missing one may be in a container.
    const isEarlier = holder.boot === null && holder.machine === here.machine;
    return isEarlier && holder.pid !== process.pid && isRunning(holder.pid) ? 'running' : 'unknown';
  }
  if (holder.pid === process.pid || !isRunning(holder.pid)) return 'gone';
  const state = processState(holder.pid);
  // Except on Linux, and for another user's process, the id may have been reused.
  if (state === null || holder.startTicks === null) return 'unknown';
  return state.isDead || state.startTicks !== holder.startTicks ? 'gone' : 'running';
}

function sharesProcessIds({ machine, boot, pidNamespace }: Holder): boolean {
  if (process.platform !== 'linux') return machine === here.machine;
  return boot !== null && boot === here.boot && pidNamespace !== null && pidNamespace === here.pidNamespace;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** From `/proc`; null if there is none, or it does not show this process. */
function processState(pid: number): { isDead: boolean; startTicks: string } | null {
  return orNull(() => {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name before it, in parentheses, may contain anything. State is field 3, start time field 22.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state, startTicks] = [fields[0], fields[19]];
    if (state === undefined || startTicks === undefined) return null;
    // A zombie process.
    return { isDead: state === 'Z' || state === 'X', startTicks };
  });
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** For facts that only Linux has. */
function orNull<T>(read: () => T | null): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
