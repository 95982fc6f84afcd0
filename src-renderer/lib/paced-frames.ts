import { afterDrawing } from './after-drawing.ts';
import { nextFrame } from './next-frame.ts';

/**
 * Time that is left to everything else after a frame, as a multiple of what the frame took. Parsing, painting and
 * compositing in other threads take as long again.
 */
const REST = 12;
/** Longest rest, ms: text that streams in still seems to flow. */
const LONGEST_REST_MS = 80;
/** Every frame has costs that do not depend on what it draws. */
const LEAST_SHARE = 0.5;

interface Parts {
  frame?: (callback: () => void) => void;
  /** In milliseconds. */
  now?: () => number;
  /** Calls back when the frame that is running has been drawn. */
  drawn?: (callback: () => void) => void;
}

/**
 * @param isUrgent in the next frame, without a rest before or after it
 * @param share of what is streaming in that the callback draws: after a small part, a short rest is enough
 */
export type PacedFrame = (callback: () => void, isUrgent?: boolean, share?: number) => void;

/**
 * Frames for what is drawn again and again while it streams in. Each is followed by a rest in proportion to the time that it
 * took to compute and draw, so that a slow page leaves the processor to what generates the text.
 */
export function pacedFrames(parts: Parts = {}): PacedFrame {
  const { frame = nextFrame, now = () => performance.now(), drawn = afterDrawing } = parts;
  let restsUntil = -Infinity;
  let isDrawing = false;
  /** Asked for in the frame that is being drawn: its rest is not known yet. */
  const asked: (() => void)[] = [];
  const inFrame = (callback: () => void, share: number) =>
    frame(() => {
      const began = now();
      isDrawing = true;
      drawn(() => {
        restsUntil = now() + Math.min(REST * (now() - began), LONGEST_REST_MS * Math.max(share, LEAST_SHARE));
        isDrawing = false;
        for (const ask of asked.splice(0)) ask();
      });
      callback();
    });
  const ask: PacedFrame = (callback, isUrgent = false, share = 1) => {
    const rest = restsUntil - now();
    if (isUrgent) frame(callback);
    else if (isDrawing) asked.push(() => ask(callback, false, share));
    else if (rest > 0) setTimeout(() => inFrame(callback, share), rest);
    else inFrame(callback, share);
  };
  return ask;
}

/** The page's own: what streams into several parts of it is drawn in the same frames. */
export const pacedFrame = pacedFrames();
