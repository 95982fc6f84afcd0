/** Bytes per second over the last few seconds. */
export class RateMeter {
  readonly #windowMs: number;
  readonly #samples: { at: number; bytes: number }[] = [];

  constructor(windowMs = 4000) {
    this.#windowMs = windowMs;
  }

  /** @param now ms, monotonic */
  add(bytes: number, now: number): void {
    const last = this.#samples.at(-1);
    // Many small chunks are one sample.
    if (last !== undefined && now - last.at < 50) last.bytes += bytes;
    else this.#samples.push({ at: now, bytes });
    while (this.#samples[0] !== undefined && now - this.#samples[0].at > this.#windowMs) this.#samples.shift();
  }

  /** Null until there are measurements. */
  rate(now: number): number | null {
    const recent = this.#samples.filter(({ at }) => now - at <= this.#windowMs);
    const [first] = recent;
    if (first === undefined || now - first.at < 200) return null;
    // The bytes of the first sample arrived before the measured time.
    const bytes = recent.slice(1).reduce((sum, sample) => sum + sample.bytes, 0);
    return (bytes * 1000) / (now - first.at);
  }
}
