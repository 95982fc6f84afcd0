/**
 * Repacking at load: `rows` rows of a file's tensor become rows `first` and on of a matrix in panels of 8 rows (layouts in
 * linear-*.ts). What is missing of the last panel stays zero, as fresh memory is.
 */

/** f32 `[rows, width]` to panels `[width, 8]`. */
export function packF32(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  for (let row = 0; row < rows; row++) {
    const from = source + <usize>row * width * 4;
    const to = target + <usize>((first + row) >> 3) * width * 32 + ((first + row) & 7) * 4;
    for (let i: usize = 0; i < <usize>width; i++) store<f32>(to + i * 32, load<f32>(from + i * 4));
  }
}

/** f16 `[rows, width]` to panels `[width, 8]`. */
export function packF16(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  for (let row = 0; row < rows; row++) {
    const from = source + <usize>row * width * 2;
    const to = target + <usize>((first + row) >> 3) * width * 16 + ((first + row) & 7) * 2;
    for (let i: usize = 0; i < <usize>width; i++) store<u16>(to + i * 16, load<u16>(from + i * 2));
  }
}

/** Q8_0 blocks `f16 d; i8 q[32]`. */
export function packQ8(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  const blocks = width >> 5;
  for (let row = 0; row < rows; row++) {
    let from = source + <usize>(row * blocks) * 34;
    let to = target + <usize>(((first + row) >> 3) * blocks) * 272;
    const lane = <usize>((first + row) & 7);
    for (let block = 0; block < blocks; block++, from += 34, to += 272) {
      store<u16>(to + lane * 2, load<u16>(from));
      for (let j: usize = 0; j < 8; j++) {
        // -128 has no counterpart of the other sign.
        const word = load<i32>(from + j * 4, 2);
        store<i32>(to + j * 32 + lane * 4, i32x4.extract_lane(i8x16.max_s(i32x4.splat(word), i8x16.splat(-127)), 0), 16);
      }
    }
  }
}

/** Q4_0 blocks `f16 d; u8 q[16]`. */
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
