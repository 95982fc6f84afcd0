/**
 * Repacking at load: `rows` rows of a file's tensor become rows `first` and on of a matrix in panels of 8 rows (layouts in
 * tile.ts and linear-*.ts). What is missing of the last panel stays zero, as fresh memory is.
 */
import { panelBytesHalf } from './linear-half';

/** f32 `[rows, width]` to panels `[width, 8]`. */
export function packF32(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  for (let row = 0; row < rows; row++) {
    const from = source + <usize>row * width * 4;
    const to = target + <usize>((first + row) >> 3) * width * 32 + ((first + row) & 7) * 4;
    for (let i: usize = 0; i < <usize>width; i++) store<f32>(to + i * 32, load<f32>(from + i * 4));
  }
}

/** 16-bit floats `[rows, width]` to panels `[(width + 1) / 2, 8, 2]`. */
export function packHalf(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  const panelBytes = panelBytesHalf(width);
  for (let row = 0; row < rows; row++) {
    const from = source + <usize>row * width * 2;
    const to = target + <usize>((first + row) >> 3) * panelBytes + ((first + row) & 7) * 4;
    for (let i: usize = 0; i < <usize>width; i++) store<u16>(to + (i >> 1) * 32 + (i & 1) * 2, load<u16>(from + i * 2));
  }
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

// @ts-ignore: decorator
@inline
function packBytes(source: usize, target: usize, width: i32, first: i32, rows: i32, flip: i8, lowest: i8): void {
  const blocks = width >> 5;
  for (let row = 0; row < rows; row++) {
    let from = source + <usize>(row * blocks) * 34;
    let to = target + <usize>(((first + row) >> 3) * blocks) * 272;
    const lane = <usize>((first + row) & 7);
    for (let block = 0; block < blocks; block++, from += 34, to += 272) {
      store<u16>(to + lane * 2, load<u16>(from));
      for (let j: usize = 0; j < 8; j++) {
        const codes = i8x16.max_s(i32x4.splat(load<i32>(from + j * 4, 2)), i8x16.splat(lowest));
        // Adding 128 is flipping the highest bit.
        store<i32>(to + j * 32 + lane * 4, i32x4.extract_lane(v128.xor(codes, i8x16.splat(flip)), 0), 16);
      }
    }
  }
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
  for (let row = 0; row < rows; row++) {
    let from = source + <usize>(row * blocks) * fromBlock;
    let to = target + <usize>(((first + row) >> 3) * blocks) * toBlock;
    const lane = <usize>((first + row) & 7);
    for (let block = 0; block < blocks; block++, from += fromBlock, to += toBlock) {
      for (let i: usize = 0; i < halves; i++) store<u16>(to + i * 16 + lane * 2, load<u16>(from + i * 2));
      for (let j: usize = 0; j < 4; j++) {
        store<i32>(to + halves * 16 + j * 32 + lane * 4, load<i32>(from + halves * 2 + j * 4));
      }
    }
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

/** Blocks `f16 d[2]; u8 q[32]` with 6-bit codes and a scale for each half. */
export function packQ6(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  const blocks = width >> 5;
  for (let row = 0; row < rows; row++) {
    let from = source + <usize>(row * blocks) * 36;
    let to = target + <usize>(((first + row) >> 3) * blocks) * 224;
    const lane = <usize>((first + row) & 7);
    for (let block = 0; block < blocks; block++, from += 36, to += 224) {
      store<u16>(to + lane * 2, load<u16>(from));
      store<u16>(to + lane * 2, load<u16>(from, 2), 16);
      for (let half: usize = 0; half < 2; half++) {
        const q = from + half * 16;
        const codes = to + half * 96 + lane * 4;
        // Two bits of the fourth code above each of the others.
        const fourth = load<u32>(q, 4 + 12);
        store<u32>(codes, load<u32>(q, 4) | ((fourth & 0x03030303) << 6), 32);
        store<u32>(codes, load<u32>(q, 8) | ((fourth & 0x0c0c0c0c) << 4), 32 + 32);
        store<u32>(codes, load<u32>(q, 12) | ((fourth & 0x30303030) << 2), 32 + 64);
      }
    }
  }
}
