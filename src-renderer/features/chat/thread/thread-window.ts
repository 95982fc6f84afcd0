/** Turns within this distance of the visible part are added to the DOM, px. */
const OVERSCAN = 1000;
/** More are added when less than this is left, px, */
const REFILL = 400;
/** but not more than these at a time on each side, so that no frame takes long. */
const STEP = 4;
/** Turns that are no longer needed leave the DOM this many at a time, but not in the frame of a jump. */
const LEAVE_AT_ONCE = 8;

/** Turns from `from` to before `to`. */
export interface TurnRange {
  from: number;
  to: number;
}

/** A turn in the DOM, and the height of the missing turns between it and the previous one in the DOM, px. */
export interface Slot {
  index: number;
  gap: number;
}

/**
 * Turns that are still in the DOM although they are outside of the range, after a few of them have left.
 * @param leaving those before, the first to leave first
 * @param before the range before
 */
export function stillLeaving(leaving: readonly number[], before: TurnRange, range: TurnRange): readonly number[] {
  const left = Array.from({ length: before.to - before.from }, (_, at) => before.from + at);
  const isOutside = (index: number) => index < range.from || index >= range.to;
  const outside = [...leaving, ...left.filter((index) => !leaving.includes(index))].filter(isOutside);
  const isJump = range.from >= before.to || range.to <= before.from;
  return outside.slice(isJump ? 0 : LEAVE_AT_ONCE);
}

/**
 * Which turns of a long chat are in the DOM. Heights are measured for turns that have been in the DOM, and estimated for
 * the others.
 */
export class ThreadWindow {
  #ids: readonly string[] = [];
  #estimates: readonly number[] = [];
  readonly #measured = new Map<string, number>();
  /** `#offsets[i]`: top of turn i, px from the first; the last entry is the end. Null when outdated. */
  #offsets: Float64Array | null = null;

  /** @param estimate height of the turn at an index, px; called once per turn */
  setTurns(ids: readonly string[], estimate: (index: number) => number): void {
    const known = this.#ids.length;
    const grown = ids.length >= known && this.#ids.every((id, at) => id === ids[at]);
    this.#estimates = grown
      ? [...this.#estimates, ...ids.slice(known).map((_, at) => estimate(known + at))]
      : ids.map((_, at) => estimate(at));
    this.#ids = ids;
    this.#offsets = null;
  }

  get total(): number {
    return this.offsetOf(this.#ids.length);
  }

  offsetOf(index: number): number {
    this.#offsets ??= this.#sum();
    return this.#offsets[index];
  }

  heightOf(index: number): number {
    return this.#measured.get(this.#ids[index]) ?? this.#estimates[index];
  }

  /** @returns how much higher the turn is than assumed, px */
  measure(index: number, height: number): number {
    const before = this.heightOf(index);
    if (this.#measured.get(this.#ids[index]) === height) return 0;
    this.#measured.set(this.#ids[index], height);
    const change = height - before;
    // All turns that come into view are measured: summing up the heights of a long chat for each takes too long.
    if (change !== 0 && this.#offsets !== null) {
      for (let at = index + 1; at < this.#offsets.length; at++) this.#offsets[at] += change;
    }
    return change;
  }

  /**
   * The next range of turns for a visible part; `present` itself if it is sufficient.
   * @param isUrgent the frame has drawn enough: only what is seen is added
   */
  rangeFor(top: number, bottom: number, present: TurnRange, isUrgent = false): TurnRange {
    const seen = this.#within(top, bottom);
    const goesOn = present.from < seen.to && present.to > seen.from;
    const from = goesOn ? Math.min(present.from, seen.from) : seen.from;
    const to = goesOn ? Math.max(present.to, seen.to) : seen.to;
    if (isUrgent) return from === present.from && to === present.to ? present : { from, to };
    const least = this.#within(top - REFILL, bottom + REFILL);
    if (present.from <= least.from && present.to >= least.to && present.to <= this.#ids.length) {
      const most = this.#within(top - 3 * OVERSCAN, bottom + 3 * OVERSCAN);
      if (present.from >= most.from && present.to <= most.to) return present;
    }
    // After a jump, all that is seen is new, which is enough for one frame.
    if (!goesOn) return { from, to };
    const goal = this.#within(top - OVERSCAN, bottom + OVERSCAN);
    return { from: Math.max(goal.from, from - STEP), to: Math.min(goal.to, to + STEP) };
  }

  /** @param kept turns that stay in the DOM wherever they are */
  slots({ from, to }: TurnRange, kept: readonly number[]): { slots: Slot[]; after: number } {
    const others = kept.filter((index) => index >= 0 && index < this.#ids.length && (index < from || index >= to));
    const within = Array.from({ length: Math.max(0, Math.min(to, this.#ids.length) - from) }, (_, at) => from + at);
    const indexes = [...new Set([...others, ...within])].sort((a, b) => a - b);
    let end = 0;
    const slots = indexes.map((index) => {
      const gap = this.offsetOf(index) - this.offsetOf(end);
      end = index + 1;
      return { index, gap };
    });
    return { slots, after: this.total - this.offsetOf(end) };
  }

  #within(top: number, bottom: number): TurnRange {
    const { length } = this.#ids;
    const from = Math.max(0, this.#at(top));
    const to = Math.min(length, this.#at(bottom) + 1);
    return { from: Math.min(from, length), to: Math.max(to, Math.min(from, length)) };
  }

  /** Index of the turn at an offset; -1 above the first. */
  #at(y: number): number {
    let low = 0;
    let high = this.#ids.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.offsetOf(middle + 1) > y) high = middle;
      else low = middle + 1;
    }
    return y < 0 ? -1 : low;
  }

  #sum(): Float64Array {
    const offsets = new Float64Array(this.#ids.length + 1);
    this.#ids.forEach((_, at) => (offsets[at + 1] = offsets[at] + this.heightOf(at)));
    return offsets;
  }
}
