/**
 * Repacking at load: `rows` rows of a file's tensor become rows `first` and on of a matrix in panels of 8 rows (layouts in
 * int8/codes.ts, half/linear.ts and float/linear.ts). What is missing of the last panel stays zero, as fresh memory is.
 */
/** Rows that are moved together, as a square of 32-bit words that is turned around; others one by one. */
export const TOGETHER: usize = 4;

/** Whether `row` and those after it are whole rows of words in the panel, of which the first stands at a multiple of 16 bytes. */
// @inline
export function areTogether(first: i32, row: i32, rows: i32): bool {
  return ((first + row) & (<i32>TOGETHER - 1)) == 0 && row + <i32>TOGETHER <= rows;
}

/** Four words of each of four rows, `apart` bytes from one to the next, to four columns of a panel. */
// @inline
function turnAround(from: usize, apart: usize, to: usize): void {
  storeColumns(v128.load(from), v128.load(from + apart), v128.load(from + 2 * apart), v128.load(from + 3 * apart), to);
}

// @inline
export function storeColumns(a: v128, b: v128, c: v128, d: v128, to: usize): void {
  const low = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  const high = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const otherLow = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const otherHigh = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(low, otherLow, 0, 2));
  v128.store(to, v128.shuffle<i64>(low, otherLow, 1, 3), 32);
  v128.store(to, v128.shuffle<i64>(high, otherHigh, 0, 2), 64);
  v128.store(to, v128.shuffle<i64>(high, otherHigh, 1, 3), 96);
}

/** Four words of one row to four columns. */
// @inline
export function storeColumn(words: v128, to: usize): void {
  v128.store32_lane(to, words, 0);
  v128.store32_lane(to, words, 1, 32);
  v128.store32_lane(to, words, 2, 64);
  v128.store32_lane(to, words, 3, 96);
}

/** f32 `[rows, width]` to panels `[width, 8]`. */
export function packF32(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  packWords(source, target, <usize>width * 4, first, rows);
}

/** 16-bit floats `[rows, width]` to panels `[(width + 1) / 2, 8, 2]`. */
export function packHalf(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  packWords(source, target, <usize>width * 2, first, rows);
}

/** Rows of `bytes`, which are words of 32 bits and perhaps half of one, to panels `[words, 8]`. */
function packWords(source: usize, target: usize, bytes: usize, first: i32, rows: i32): void {
  const panelBytes = ((bytes + 3) >> 2) * 32;
  for (let row = 0; row < rows; row++) {
    let from = source + <usize>row * bytes;
    let to = target + <usize>((first + row) >> 3) * panelBytes + ((first + row) & 7) * 4;
    if (!areTogether(first, row, rows)) {
      moveWords(from, to, 0, bytes);
      continue;
    }
    let at: usize = 0;
    for (; at + 16 <= bytes; at += 16) turnAround(from + at, bytes, to + at * 8);
    for (let r: usize = 0; r < TOGETHER; r++, from += bytes, to += 4) moveWords(from, to, at, bytes);
    row += <i32>TOGETHER - 1;
  }
}

/** One row from byte `at` on. */
// @inline
function moveWords(from: usize, to: usize, at: usize, bytes: usize): void {
  for (; at + 4 <= bytes; at += 4) store<u32>(to + at * 8, load<u32>(from + at));
  if (at < bytes) store<u16>(to + at * 8, load<u16>(from + at));
}

/** Q8_0 blocks `f16 d; i8 q[32]` with codes as they are. */
export function packQ8(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  packBytes(source, target, width, first, rows, 0, -128);
}

/** Codes plus 128. */
export function packQ8Unsigned(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  packBytes(source, target, width, first, rows, -128, -128);
}

/** Codes of -127..127: -128 has no counterpart of the other sign. */
export function packQ8Signed(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  packBytes(source, target, width, first, rows, 0, -127);
}

// @inline
function packBytes(source: usize, target: usize, width: i32, first: i32, rows: i32, flip: i8, lowest: i8): void {
  const blocks = width >> 5;
  const bytes = <usize>blocks * 34;
  for (let row = 0; row < rows; row++) {
    let from = source + <usize>row * bytes;
    let to = target + <usize>(((first + row) >> 3) * blocks) * 272;
    const lane = <usize>((first + row) & 7);
    const together = areTogether(first, row, rows);
    for (let block = 0; block < blocks; block++, from += 34, to += 272) {
      if (together) {
        for (let r: usize = 0; r < TOGETHER; r++) store<u16>(to + (lane + r) * 2, load<u16>(from + r * bytes));
        for (let j: usize = 0; j < 32; j += 16) {
          const at = from + 2 + j;
          const a = codes16(at, flip, lowest);
          const b = codes16(at + bytes, flip, lowest);
          const c = codes16(at + 2 * bytes, flip, lowest);
          const d = codes16(at + 3 * bytes, flip, lowest);
          storeColumns(a, b, c, d, to + 16 + j * 8 + lane * 4);
        }
        continue;
      }
      store<u16>(to + lane * 2, load<u16>(from));
      for (let j: usize = 0; j < 32; j += 16) {
        const codes = codes16(from + 2 + j, flip, lowest);
        storeColumn(codes, to + 16 + j * 8 + lane * 4);
      }
    }
    if (together) row += <i32>TOGETHER - 1;
  }
}

/** Adding 128 is flipping the highest bit. */
// @inline
function codes16(at: usize, flip: i8, lowest: i8): v128 {
  return v128.xor(i8x16.max_s(v128.load(at), i8x16.splat(lowest)), i8x16.splat(flip));
}

/** Q4_0 and IQ4_NL blocks `f16 d; u8 q[16]`. */
export function packQ4(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  packNibbles(source, target, width, first, rows, 18, 144, 1);
}

/** Q4_1 blocks `f16 d, m; u8 q[16]`. */
export function packQ4Min(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  packNibbles(source, target, width, first, rows, 20, 160, 2);
}

function packNibbles(
  source: usize,
  target: usize,
  width: i32,
  first: i32,
  rows: i32,
  fromBlock: usize,
  toBlock: usize,
  halves: usize,
): void {
  const blocks = width >> 5;
  const bytes = <usize>blocks * fromBlock;
  for (let row = 0; row < rows; row++) {
    let from = source + <usize>row * bytes;
    let to = target + <usize>(((first + row) >> 3) * blocks) * toBlock;
    const lane = <usize>((first + row) & 7);
    const together = areTogether(first, row, rows);
    const count: usize = together ? TOGETHER : 1;
    for (let block = 0; block < blocks; block++, from += fromBlock, to += toBlock) {
      for (let i: usize = 0; i < halves; i++) {
        for (let r: usize = 0; r < count; r++)
          store<u16>(to + i * 16 + (lane + r) * 2, load<u16>(from + i * 2 + r * bytes));
      }
      const codes = to + halves * 16 + lane * 4;
      if (together) turnAround(from + halves * 2, bytes, codes);
      else for (let j: usize = 0; j < 4; j++) store<i32>(codes + j * 32, load<i32>(from + halves * 2 + j * 4));
    }
    if (together) row += <i32>TOGETHER - 1;
  }
}

/** Q5_0 blocks `f16 d; u8 high[4]; u8 q[16]`: bit i of the 32 is the fifth of value i. */
export function packQ5(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  packFiveBits(source, target, width, first, rows, 1);
}

/** Q5_1 blocks `f16 d, m; u8 high[4]; u8 q[16]`. */
export function packQ5Min(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  packFiveBits(source, target, width, first, rows, 2);
}

function packFiveBits(source: usize, target: usize, width: i32, first: i32, rows: i32, halves: usize): void {
  const blocks = width >> 5;
  const fromBlock: usize = 20 + halves * 2;
  const toBlock: usize = 160 + halves * 16;
  for (let row = 0; row < rows; row++) {
    let from = source + <usize>(row * blocks) * fromBlock;
    let to = target + <usize>(((first + row) >> 3) * blocks) * toBlock;
    const lane = <usize>((first + row) & 7);
    for (let block = 0; block < blocks; block++, from += fromBlock, to += toBlock) {
      for (let i: usize = 0; i < halves; i++) store<u16>(to + i * 16 + lane * 2, load<u16>(from + i * 2));
      const codes = to + halves * 16 + lane * 4;
      const bits = load<u32>(from + halves * 2);
      for (let j: usize = 0; j < 4; j++) store<u32>(codes + j * 32, load<u32>(from + halves * 2 + 4 + j * 4));
      // Bit 4j + i of the file is bit j of byte i.
      for (let i: u32 = 0; i < 4; i++) {
        let high: u32 = 0;
        for (let j: u32 = 0; j < 8; j++) high |= ((bits >> (4 * j + i)) & 1) << j;
        store<u8>(codes + i, <u8>high, 128);
      }
    }
  }
}
