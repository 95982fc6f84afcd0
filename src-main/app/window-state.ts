/** Position of the window, stored in `window.json`. */
import { join } from 'node:path';
import * as v from 'valibot';
import { readJson, writeJson } from '../services/json-file.ts';

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface WindowState {
  bounds: Rectangle;
  maximized: boolean;
  /** Chromium's zoom level: 0 is 100 %, each step of 1 is a factor of 1.2. */
  zoomLevel: number;
}

export const ZOOM_LEVELS = { min: -3, max: 5, step: 0.5 };
export const MIN_SIZE = { width: 480, height: 600 };
const DEFAULT_SIZE = { width: 1280, height: 800 };
/** Part of the title bar that must be on a screen for a person to reach it. */
const GRIP = { width: 120, height: 40 };

const coordinate = v.pipe(v.number(), v.safeInteger());
const stored = v.object({
  bounds: v.object({ x: coordinate, y: coordinate, width: coordinate, height: coordinate }),
  maximized: v.boolean(),
  // Earlier versions did not store it.
  zoomLevel: v.fallback(v.pipe(v.number(), v.minValue(ZOOM_LEVELS.min), v.maxValue(ZOOM_LEVELS.max)), 0),
});

/** Null when it is missing or unreadable: the window then opens as on the first start. */
export async function readWindowState(dataFolder: string): Promise<WindowState | null> {
  const read = await readJson(join(dataFolder, 'window.json')).catch(() => null);
  if (read?.state !== 'read') return null;
  const parsed = v.safeParse(stored, read.value);
  return parsed.success ? parsed.output : null;
}

export async function writeWindowState(dataFolder: string, state: WindowState): Promise<void> {
  await writeJson(join(dataFolder, 'window.json'), state);
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

/** @param number how many windows are open already */
export function cascade(bounds: Rectangle, number: number): Rectangle {
  return { ...bounds, x: bounds.x + number * CASCADE, y: bounds.y + number * CASCADE };
}

/** @param steps 0 resets it */
export function zoomedLevel(level: number, steps: -1 | 0 | 1): number {
  if (steps === 0) return 0;
  return Math.max(ZOOM_LEVELS.min, Math.min(ZOOM_LEVELS.max, level + steps * ZOOM_LEVELS.step));
}
