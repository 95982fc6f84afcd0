/**
 * The 32-bit Mersenne Twister of Matsumoto and Nishimura (1998), identical to C++'s `std::mt19937`, so that a seed draws
 * the same tokens as in llama.cpp.
 */

const STATE_SIZE = 624;
const SHIFT_SIZE = 397;
const MATRIX_A = 0x9908b0df;
const UPPER_MASK = 0x80000000;
const LOWER_MASK = 0x7fffffff;
const TWO_POW_32 = 4294967296;
const TWO_POW_64 = 18446744073709551616;
const LARGEST_BELOW_ONE = 1 - 2 ** -53;
const LARGEST_FLOAT_BELOW_ONE = 1 - 2 ** -24;

export interface Mt19937State {
  readonly words: Uint32Array;
  readonly next: number;
}

export class Mt19937 {
  private readonly state = new Uint32Array(STATE_SIZE);
  private next = STATE_SIZE;

  /** @param seed 0..2^32-1 */
  constructor(seed: number) {
    const state = this.state;
    state[0] = seed;
    for (let i = 1; i < STATE_SIZE; i++) {
      const previous = state[i - 1];
      state[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
    }
  }

  /** Saves the state for backtracking. */
  save(): Mt19937State {
    return { words: this.state.slice(), next: this.next };
  }

  restore({ words, next }: Mt19937State): void {
    this.state.set(words);
    this.next = next;
  }

  /** The next raw output, 0..2^32-1. */
  nextUint32(): number {
    if (this.next === STATE_SIZE) this.twist();
    let y = this.state[this.next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  /** Uniform in [0, 1), like `std::generate_canonical<double>` of libstdc++: two outputs, the low word first. */
  nextDouble(): number {
    const low = this.nextUint32();
    const high = this.nextUint32();
    // Rounding can give exactly 1; C++ caps the result as well.
    return Math.min((low + high * TWO_POW_32) / TWO_POW_64, LARGEST_BELOW_ONE);
  }

  /** The result of the next `nextDouble`, which stays the next. */
  peekDouble(): number {
    const copy = new Mt19937(0);
    copy.restore(this.save());
    return copy.nextDouble();
  }

  /** Uniform in [0, 1), like `std::generate_canonical<float>` of libstdc++: one output, rounded to float32. */
  nextFloat(): number {
    return Math.min(Math.fround(this.nextUint32()) / TWO_POW_32, LARGEST_FLOAT_BELOW_ONE);
  }

  private twist(): void {
    const state = this.state;
    for (let i = 0; i < STATE_SIZE; i++) {
      const y = (state[i] & UPPER_MASK) | (state[(i + 1) % STATE_SIZE] & LOWER_MASK);
      state[i] = state[(i + SHIFT_SIZE) % STATE_SIZE] ^ (y >>> 1) ^ (y & 1 ? MATRIX_A : 0);
    }
    this.next = 0;
  }
}
