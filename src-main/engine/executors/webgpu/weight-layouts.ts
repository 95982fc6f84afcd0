/**
 * How weights are stored on the GPU, and the WGSL that unpacks them. A layout describes the blocks of a ggml type by their
 * fields. In memory, each row has one plane per field with those of all blocks one after another, so that every field of
 * at least four bytes is aligned to words, and no bits are added.
 */
import { Q8_0 } from '../../quant/q8_0.ts';
import { IQ4_LEVELS } from '../../quant/iq4_nl.ts';
import { rowBytes, type BlockType } from '../../quant/block-type.ts';

interface Field {
  readonly name: string;
  /** Bytes per block: 2, or a multiple of 4. */
  readonly bytes: number;
}

export interface GpuWeightLayout {
  /** Name of the ggml type. */
  readonly name: string;
  /** Values per block, a multiple of 4. */
  readonly values: number;
  /** In the order of the file. */
  readonly fields: readonly Field[];
  /**
   * WGSL for `vec4f`: values 4q to 4q + 3 of a block. It may use `q`, `field(i)` for word i of a field, or just `field()`
   * for the 16 bits of a short one, and the functions of `HELPERS`.
   */
  readonly value: string;
  /** WGSL statements before it. */
  readonly before?: string;
}

const fields = (sizes: Readonly<Record<string, number>>): Field[] =>
  Object.entries(sizes).map(([name, bytes]) => ({ name, bytes }));

/** Nibbles of blocks of 32: values 0 to 15 in the lower, 16 to 31 in the upper half of 16 bytes. */
const NIBBLES = 'bitsOf(qs(q & 3u), 4u * (q >> 2u), 15u)';
/** The fifth bits of 32 values in one word. */
const FIFTH_BITS = '(((vec4u(qh(0u)) >> (4u * q + vec4u(0u, 1u, 2u, 3u))) & vec4u(1u)) << vec4u(4u))';
/** Sub-blocks of 32 values; each 32 bytes hold two, the even one in the lower nibbles. */
const K_NIBBLES = 'bitsOf(qs(8u * (s >> 1u) + (q & 7u)), 4u * (s & 1u), 15u)';
const K_SCALES = `
  let s = q >> 3u;
  let at = 8u * (s & 3u);
  var scale = (scales(0u) >> at) & 63u;
  var minimum = (scales(1u) >> at) & 63u;
  if (s >= 4u) {
    let low = scales(2u) >> at;
    scale = (low & 15u) | (((scales(0u) >> (at + 6u)) & 3u) << 4u);
    minimum = ((low >> 4u) & 15u) | (((scales(1u) >> (at + 6u)) & 3u) << 4u);
  }`;
const K_VALUE = (codes: string) => `half(d()) * f32(scale) * vec4f(${codes}) - half(dmin()) * f32(minimum)`;

const LAYOUTS: readonly GpuWeightLayout[] = [
  {
    ...{ name: 'F32', values: 4, fields: fields({ v: 16 }) },
    value: 'bitcast<vec4f>(vec4u(v(0u), v(1u), v(2u), v(3u)))',
  },
  {
    ...{ name: 'F16', values: 4, fields: fields({ v: 8 }) },
    value: 'vec4f(unpack2x16float(v(0u)), unpack2x16float(v(1u)))',
  },
  {
    ...{ name: 'BF16', values: 4, fields: fields({ v: 8 }) },
    value: 'bitcast<vec4f>(vec4u(v(0u) << 16u, v(0u) & 0xffff0000u, v(1u) << 16u, v(1u) & 0xffff0000u))',
  },
  { name: 'Q8_0', values: 32, fields: fields({ d: 2, qs: 32 }), value: 'half(d()) * vec4f(signedBytes(qs(q)))' },
  { name: 'Q4_0', values: 32, fields: fields({ d: 2, qs: 16 }), value: `half(d()) * (vec4f(${NIBBLES}) - 8.0)` },
  {
    ...{ name: 'Q4_1', values: 32, fields: fields({ d: 2, m: 2, qs: 16 }) },
    value: `half(d()) * vec4f(${NIBBLES}) + half(m())`,
  },
  {
    ...{ name: 'Q5_0', values: 32, fields: fields({ d: 2, qh: 4, qs: 16 }) },
    value: `half(d()) * (vec4f(${NIBBLES} | ${FIFTH_BITS}) - 16.0)`,
  },
  {
    ...{ name: 'Q5_1', values: 32, fields: fields({ d: 2, m: 2, qh: 4, qs: 16 }) },
    value: `half(d()) * vec4f(${NIBBLES} | ${FIFTH_BITS}) + half(m())`,
  },
  {
    ...{ name: 'Q4_K', values: 256, fields: fields({ d: 2, dmin: 2, scales: 12, qs: 128 }) },
    before: K_SCALES,
    value: K_VALUE(K_NIBBLES),
  },
  {
    ...{ name: 'Q5_K', values: 256, fields: fields({ d: 2, dmin: 2, scales: 12, qh: 32, qs: 128 }) },
    before: K_SCALES,
    value: K_VALUE(`${K_NIBBLES} | (bitsOf(qh(q & 7u), s, 1u) << vec4u(4u))`),
  },
  {
    ...{ name: 'Q6_K', values: 256, fields: fields({ ql: 128, qh: 64, scales: 16, d: 2 }) },
    before: `
  let part = q >> 5u;
  let group = (q >> 3u) & 3u;
  let low = bitsOf(ql(16u * part + 8u * (group & 1u) + (q & 7u)), 4u * (group >> 1u), 15u);
  let high = bitsOf(qh(8u * part + (q & 7u)), 2u * group, 3u);
  let scale = signedBytes(scales(q >> 4u))[(q >> 2u) & 3u];`,
    value: 'half(d()) * f32(scale) * (vec4f(low | (high << vec4u(4u))) - 32.0)',
  },
  { name: 'IQ4_NL', values: 32, fields: fields({ d: 2, qs: 16 }), value: `half(d()) * levels(${NIBBLES})` },
  {
    ...{ name: 'IQ4_XS', values: 256, fields: fields({ d: 2, scales_h: 2, scales_l: 4, qs: 128 }) },
    before: `
  let s = q >> 3u;
  let low = (scales_l(0u) >> (4u * s)) & 15u;
  let scale = f32(low | (((scales_h() >> (2u * s)) & 3u) << 4u)) - 32.0;
  let codes = bitsOf(qs(4u * s + (q & 3u)), 4u * ((q >> 2u) & 1u), 15u);`,
    value: 'half(d()) * scale * levels(codes)',
  },
];

export const LAYOUT_F32 = LAYOUTS[0];
const BY_NAME: ReadonlyMap<string, GpuWeightLayout> = new Map(LAYOUTS.map((layout) => [layout.name, layout]));

const HELPERS = `
/** The bits of each byte of a word from bit \`first\` on. */
fn bitsOf(word: u32, first: u32, mask: u32) -> vec4u {
  return (vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + first)) & vec4u(mask);
}
fn signedBytes(word: u32) -> vec4i {
  return bitcast<vec4i>(vec4u(word) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u);
}
fn half(bits: u32) -> f32 {
  return unpack2x16float(bits).x;
}
const LEVELS = array<f32, 16>(${[...IQ4_LEVELS].map((level) => level.toFixed(1)).join(', ')});
fn levels(codes: vec4u) -> vec4f {
  return vec4f(LEVELS[codes.x], LEVELS[codes.y], LEVELS[codes.z], LEVELS[codes.w]);
}
`;

/** First word of each field's plane in a row, and the words of a row. */
function planes(
  { fields, values }: GpuWeightLayout,
  width: number,
): { starts: number[]; blocks: number; words: number } {
  const blocks = Math.ceil(width / values);
  let words = 0;
  const starts = fields.map(({ bytes }) => {
    const start = words;
    words += Math.ceil((blocks * bytes) / 4);
    return start;
  });
  return { starts, blocks, words };
}

/** Bytes of a row of `width` values, a multiple of 4. */
export function rowBytesOf(layout: GpuWeightLayout, width: number): number {
  return 4 * planes(layout, width).words;
}

/** Fields of a kernel's shape that `unpackingCode` reads: the words of a row, and the first word of each plane. */
export function planesOf(layout: GpuWeightLayout, width: number): Record<string, number> {
  const { starts, words } = planes(layout, width);
  return { words, ...Object.fromEntries(starts.map((start, i) => [`plane${i}`, start])) };
}

/**
 * WGSL of `weights4(row, quad) -> vec4f`, values 4 * quad to 4 * quad + 3 of a row of the binding `weights`,
 * `array<u32>`. Values beyond a row's width are 0 in the layouts of single values, and the others have none.
 */
export function unpackingCode(layout: GpuWeightLayout): string {
  const quads = layout.values / 4;
  const body = `${layout.before ?? ''}\n  return ${layout.value};`;
  // Calls of fields become loads, with the row and the block.
  const loads = layout.fields.reduce((code, { name, bytes }, i) => {
    const plane = `row * shape.words + shape.plane${i}`;
    return bytes === 2
      ? code.replaceAll(`${name}()`, `((weights[${plane} + (block >> 1u)] >> (16u * (block & 1u))) & 0xffffu)`)
      : code.replaceAll(new RegExp(`(?<![\\w])${name}\\(`, 'g'), `word(${plane} + block * ${bytes / 4}u, `);
  }, body);
  return `${HELPERS}
fn word(at: u32, i: u32) -> u32 {
  return weights[at + i];
}
fn weights4(row: u32, quad: u32) -> vec4f {
  let block = quad / ${quads}u;
  let q = quad % ${quads}u;${loads}
}
`;
}

/** How rows of a file become rows of a layout. */
export interface GpuPacking {
  readonly layout: GpuWeightLayout;
  /** Packs `rows` whole rows of `width` values: `[rows, rowBytesOf(layout, width)]`. */
  pack(bytes: Uint8Array, rows: number, width: number): Uint8Array<ArrayBuffer>;
}

/** Types without a layout become Q8_0, or float32 if their rows are not whole blocks of it. */
export function packingOf(type: BlockType, width: number): GpuPacking {
  const layout = BY_NAME.get(type.name);
  if (layout) return { layout, pack: (bytes, rows) => split(layout, bytes, rows, width) };
  const target = width % Q8_0.blockSize === 0 ? Q8_0 : null;
  const other = target ? BY_NAME.get(target.name)! : LAYOUT_F32;
  return {
    layout: other,
    pack: (bytes, rows) => split(other, converted(type, target, bytes, rows, width), rows, width),
  };
}

/** Sorts the fields of blocks into planes. */
function split(layout: GpuWeightLayout, bytes: Uint8Array, rows: number, width: number): Uint8Array<ArrayBuffer> {
  const { fields } = layout;
  const { starts, blocks, words } = planes(layout, width);
  const packed = new Uint8Array(4 * words * rows);
  const perRow = bytes.length / rows;
  for (let row = 0; row < rows; row++) {
    const target = 4 * words * row;
    let at = row * perRow;
    if (fields.length === 1) {
      packed.set(bytes.subarray(at, at + perRow), target);
      continue;
    }
    for (let block = 0; block < blocks; block++) {
      for (let field = 0; field < fields.length; field++) {
        const size = fields[field].bytes;
        const to = target + 4 * starts[field] + block * size;
        for (let i = 0; i < size; i++) packed[to + i] = bytes[at + i];
        at += size;
      }
    }
  }
  return packed;
}

function converted(
  type: BlockType,
  target: BlockType | null,
  bytes: Uint8Array,
  rows: number,
  width: number,
): Uint8Array {
  const values = new Float32Array(rows * width);
  type.dequantize(bytes, 0, values, 0, values.length / type.blockSize);
  if (!target?.quantize) return new Uint8Array(values.buffer);
  const result = new Uint8Array(rows * rowBytes(target, width));
  target.quantize(values, 0, result, 0, values.length / target.blockSize);
  return result;
}
