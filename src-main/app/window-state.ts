/** Positions of the windows and what they showed, stored in `window.json`. */
import { join } from 'node:path';
import * as v from 'valibot';
import { readJson, writeJson } from '../services/json-file.ts';

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface WindowPlace {
  bounds: Rectangle;
  maximized: boolean;
  /** Fragment of its page's address, which names the chat; empty for the last one. */
  hash: string;
}

export interface SavedWindows {
  /** The one in front comes last; at least one. */
  windows: WindowPlace[];
  /** Chromium's zoom level: 0 is 100 %, each step of 1 is a factor of 1.2. */
  zoomLevel: number;
}

/** Of one start. */
const MAX_WINDOWS = 20;

const ZOOM_LEVELS = { min: -3, max: 5, step: 0.5 };
export const MIN_SIZE = { width: 480, height: 600 };
const DEFAULT_SIZE = { width: 1280, height: 800 };
/** Part of the title bar that must be on a screen for a person to reach it. */
const GRIP = { width: 120, height: 40 };

const coordinate = v.pipe(v.number(), v.safeInteger());
const place = {
  bounds: v.object({ x: coordinate, y: coordinate, width: coordinate, height: coordinate }),
  maximized: v.boolean(),
  hash: v.fallback(v.pipe(v.string(), v.regex(/^(#[\w=-]{0,100})?$/)), ''),
};
/** The window in front, as earlier versions stored their only one, and what those did not have. */
const stored = v.object({
  ...place,
  zoomLevel: v.fallback(v.pipe(v.number(), v.minValue(ZOOM_LEVELS.min), v.maxValue(ZOOM_LEVELS.max)), 0),
  others: v.fallback(v.array(v.object(place)), []),
});

/** Null when it is missing or unreadable: one window then opens as on the first start. */
export async function readWindows(dataFolder: string): Promise<SavedWindows | null> {
  const read = await readJson(join(dataFolder, 'window.json')).catch(() => null);
  if (read?.state !== 'read') return null;
  const parsed = v.safeParse(stored, read.value);
  if (!parsed.success) return null;
  const { zoomLevel, others, ...front } = parsed.output;
  return { windows: [...others, front].slice(-MAX_WINDOWS), zoomLevel };
}

export async function writeWindows(dataFolder: string, { windows, zoomLevel }: SavedWindows): Promise<void> {
  await writeJson(join(dataFolder, 'window.json'), {
    ...windows.at(-1),
    zoomLevel,
    others: windows.slice(0, -1),
  });
}

/**
 * @param workAreas The current screens, the main one first.
 * @returns without `x` and `y`: in the middle of the main screen
 */
export function placeWindow(
  saved: Rectangle | null,
  workAreas: Rectangle[],
): { x?: number; y?: number; width: number; height: number } {
  const main = workAreas[0] ?? { x: 0, y: 0, ...DEFAULT_SIZE };
  const screen = saved === null ? undefined : workAreas.find((area) => isReachable(saved, area));
  const { width, height } = saved ?? DEFAULT_SIZE;
  const limits = screen ?? main;
  const size = {
    width: Math.max(MIN_SIZE.width, Math.min(width, limits.width)),
    height: Math.max(MIN_SIZE.height, Math.min(height, limits.height)),
  };
  return saved === null || screen === undefined ? size : { x: saved.x, y: saved.y, ...size };
}

function isReachable(window: Rectangle, area: Rectangle): boolean {
  const visible = Math.min(window.x + window.width, area.x + area.width) - Math.max(window.x, area.x);
  return visible >= GRIP.width && window.y >= area.y && window.y + GRIP.height <= area.y + area.height;
}

/** Distance of a further window from the one before, so that both title bars can be reached, px. */
const CASCADE = 32;

/** Where a further window opens. */
export function cascade(bounds: Rectangle): Rectangle {
  return { ...bounds, x: bounds.x + CASCADE, y: bounds.y + CASCADE };
}

/** @param steps 0 resets it */
export function zoomedLevel(level: number, steps: -1 | 0 | 1): number {
  if (steps === 0) return 0;
  return Math.max(ZOOM_LEVELS.min, Math.min(ZOOM_LEVELS.max, level + steps * ZOOM_LEVELS.step));
}
