/** When the X server shows a window, from `xev` (package x11-utils). */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Narrower ones are not the app's: toolkits have windows of a few pixels. */
const MIN_WIDTH = 300;

export interface WindowWatch {
  /** When a window first appeared since `from`, Unix time in ms; null if none did. */
  firstSince(from: number): number | null;
  stop(): void;
}

/** Watches the display that `DISPLAY` names. */
export async function watchWindows(): Promise<WindowWatch> {
  const xev = spawn('xev', ['-root', '-event', 'substructure'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((done, failed) => xev.once('spawn', done).once('error', failed));
  const widths = new Map<string, number>();
  const shown: number[] = [];
  createInterface({ input: xev.stdout }).on('line', (line) => {
    const [, sized, width] = /window (0x\w+), \(-?\d+,-?\d+\), width (\d+)/.exec(line) ?? [];
    if (sized !== undefined) widths.set(sized, Number(width));
    // Of all events, only "MapNotify" has this line.
    const [, mapped] = /^\s+event 0x\w+, window (0x\w+), override \w+$/.exec(line) ?? [];
    if (mapped !== undefined && (widths.get(mapped) ?? 0) >= MIN_WIDTH) shown.push(Date.now());
  });
  return {
    firstSince: (from) => shown.find((time) => time >= from) ?? null,
    stop: () => void xev.kill(),
  };
}
