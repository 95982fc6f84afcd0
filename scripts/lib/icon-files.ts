/** Icon files of Windows and macOS: containers of PNG pictures. */

export interface IconPicture {
  /** Width and height, pixels. */
  size: number;
  png: Buffer;
}

/** Types of icns entries by size: plain, and the same pixels for a display with two per point. */
const ICNS_TYPES: readonly [type: string, size: number][] = [
  ['icp4', 16],
  ['icp5', 32],
  ['ic11', 32],
  ['ic12', 64],
  ['ic07', 128],
  ['ic08', 256],
  ['ic13', 256],
  ['ic09', 512],
  ['ic14', 512],
  ['ic10', 1024],
];
/** Largest picture of an .ico file. */
const ICO_MAX = 256;
const ICO_HEADER = 6;
const ICO_ENTRY = 16;

/** @param pictures sizes above 256 are left out */
export function icoFile(pictures: readonly IconPicture[]): Buffer {
  const used = pictures.filter(({ size }) => size <= ICO_MAX);
  const head = Buffer.alloc(ICO_HEADER + ICO_ENTRY * used.length);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(used.length, 4);
  let offset = head.length;
  for (const [index, { size, png }] of used.entries()) {
    const at = ICO_HEADER + ICO_ENTRY * index;
    // 0 is 256.
    head.writeUInt8(size % ICO_MAX, at);
    head.writeUInt8(size % ICO_MAX, at + 1);
    head.writeUInt16LE(1, at + 4);
    head.writeUInt16LE(32, at + 6);
    head.writeUInt32LE(png.length, at + 8);
    head.writeUInt32LE(offset, at + 12);
    offset += png.length;
  }
  return Buffer.concat([head, ...used.map(({ png }) => png)]);
}

/** @throws Error if a size that macOS wants is missing */
export function icnsFile(pictures: readonly IconPicture[]): Buffer {
  const entries = ICNS_TYPES.map(([type, wanted]) => {
    const picture = pictures.find(({ size }) => size === wanted);
    if (picture === undefined) throw new Error(`An .icns file needs a picture of ${wanted} pixels.`);
    return chunk(type, picture.png);
  });
  return chunk('icns', Buffer.concat(entries));
}

function chunk(type: string, content: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32BE(head.length + content.length, 4);
  return Buffer.concat([head, content]);
}
