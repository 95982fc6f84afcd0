/**
 * Reduces a screenshot to a quarter of its size: an 8-bit RGB or RGBA PNG becomes one with a palette of at most 256
 * colours. Screenshots have few colours, except at the edges of letters. PNG specification, third edition: chunks (5),
 * filters (9), palette (11.2.2).
 */
import { deflateSync, inflateSync, crc32 } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const MAX_COLOURS = 256;
/** Number of the most frequent colours that are kept exactly: surfaces, and the steps of soft shadows. */
const EXACT_COLOURS = 112;

/** @throws Error when `png` is not an 8-bit RGB or RGBA picture without interlacing */
export function smallPng(png: Buffer): Buffer {
  const { width, height, channels, data } = readPixels(png);
  const counts = new Map<number, number>();
  const pixels = new Uint32Array(width * height);
  for (let i = 0; i < pixels.length; i++) {
    const colour = (data[i * channels]! << 16) | (data[i * channels + 1]! << 8) | data[i * channels + 2]!;
    pixels[i] = colour;
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const palette = choosePalette(counts);
  const indices = new Map([...counts.keys()].map((colour) => [colour, nearest(colour, palette).index]));

  const rows = Buffer.alloc((width + 1) * height); // Each row starts with its filter; 0 is none.
  for (let i = 0; i < pixels.length; i++) rows[i + Math.floor(i / width) + 1] = indices.get(pixels[i]!)!;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8); // 8 bits, palette
  const entries = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  const body = deflateSync(rows, { level: 9 });
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', entries),
    chunk('IDAT', body),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** The most frequent colours that differ enough from each other; "enough" grows until they fit. */
function choosePalette(counts: Map<number, number>): number[] {
  const frequent = [...counts].sort(([, a], [, b]) => b - a).map(([colour]) => colour);
  for (let least = 0; ; least = least * 1.5 + 4) {
    const palette: number[] = [];
    for (const colour of frequent) {
      if (palette.length > MAX_COLOURS) break;
      if (palette.length < EXACT_COLOURS || nearest(colour, palette).distance > least) palette.push(colour);
    }
    if (palette.length <= MAX_COLOURS) return palette;
  }
}

function nearest(colour: number, palette: readonly number[]): { index: number; distance: number } {
  let index = 0;
  let distance = Infinity;
  for (let i = 0; i < palette.length; i++) {
    const other = palette[i]!;
    const red = (colour >> 16) - (other >> 16);
    const green = ((colour >> 8) & 255) - ((other >> 8) & 255);
    const blue = (colour & 255) - (other & 255);
    const here = red * red + green * green + blue * blue;
    if (here < distance) [index, distance] = [i, here];
  }
  return { index, distance };
}

function readPixels(png: Buffer): { width: number; height: number; channels: number; data: Uint8Array } {
  const parts: Buffer[] = [];
  let header: Buffer = Buffer.alloc(0);
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const content = png.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') header = content;
    if (type === 'IDAT') parts.push(content);
    at += length + 12;
  }
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [bits, colourType, , , interlace] = header.subarray(8);
  if (bits !== 8 || (colourType !== 2 && colourType !== 6) || interlace !== 0)
    throw new Error('Unexpected kind of PNG.');
  const channels = colourType === 2 ? 3 : 4;
  return {
    width,
    height,
    channels,
    data: unfilter(inflateSync(Buffer.concat(parts)), width * channels, height, channels),
  };
}

/**
 * Undoes the filter of each row (PNG 9.2): a byte is stored as the difference from a prediction based on its neighbours.
 */
function unfilter(rows: Buffer, rowBytes: number, height: number, channels: number): Uint8Array {
  const data = new Uint8Array(rowBytes * height);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (rowBytes + 1)]!;
    for (let x = 0; x < rowBytes; x++) {
      const at = y * rowBytes + x;
      const left = x >= channels ? data[at - channels]! : 0;
      const up = y > 0 ? data[at - rowBytes]! : 0;
      const upLeft = x >= channels && y > 0 ? data[at - rowBytes - channels]! : 0;
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, upLeft)][filter]!;
      data[at] = rows[y * (rowBytes + 1) + 1 + x]! + guess;
    }
  }
  return data;
}

function paeth(left: number, up: number, upLeft: number): number {
  const estimate = left + up - upLeft;
  const [toLeft, toUp, toUpLeft] = [left, up, upLeft].map((value) => Math.abs(estimate - value)) as [
    number,
    number,
    number,
  ];
  if (toLeft <= toUp && toLeft <= toUpLeft) return left;
  return toUp <= toUpLeft ? up : upLeft;
}

function chunk(type: string, content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const named = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}
