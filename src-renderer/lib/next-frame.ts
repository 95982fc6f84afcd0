/** Maximum wait for a frame, ms: a hidden page has none. */
const HIDDEN_MS = 250;

/** Calls `callback` once: before the next animation frame, or after a delay in a hidden page. */
export function nextFrame(callback: () => void): void {
  let called = false;
  const once = () => {
    if (called) return;
    called = true;
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    callback();
  };
  const timer = setTimeout(once, HIDDEN_MS);
  const frame = requestAnimationFrame(once);
}
