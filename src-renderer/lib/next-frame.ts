/** A hidden page draws nothing; what waits for a frame there waits this long at most, ms. */
const HIDDEN_MS = 250;

/** Calls back once: before the next picture is drawn, or a little later where none is drawn. */
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
