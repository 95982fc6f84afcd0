import { nextFrame } from './next-frame.ts';

/** Time that is left to everything else after a frame, as a multiple of what the frame took. */
const REST = 5;
/** Longest rest, ms: text that streams in still seems to flow. */
const LONGEST_REST_MS = 50;

interface Parts {
  frame?: (callback: () => void) => void;
  /** In milliseconds. */
  now?: () => number;
  /** Calls back when the frame that is running has been drawn. */
  drawn?: (callback: () => void) => void;
}

/**
 * Frames for what is drawn again and again while it streams in. Each is followed by a rest in proportion to the time that it
 * took to compute and draw, so that a slow page leaves the processor to what generates the text.
 */
export function pacedFrames(parts: Parts = {}): (callback: () => void) => void {
  const { frame = nextFrame, now = () => performance.now(), drawn = afterDrawing } = parts;
  let restsUntil = -Infinity;
  const inFrame = (callback: () => void) =>
    frame(() => {
      const began = now();
      drawn(() => (restsUntil = now() + Math.min(REST * (now() - began), LONGEST_REST_MS)));
      callback();
    });
  return (callback) => {
    const rest = restsUntil - now();
    if (rest > 0) setTimeout(() => inFrame(callback), rest);
    else inFrame(callback);
  };
}

/** The page's own: what streams into several parts of it is drawn in the same frames. */
export const pacedFrame = pacedFrames();

/** A message that is sent in a frame arrives after the page was drawn. */
function afterDrawing(callback: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(null);
}
