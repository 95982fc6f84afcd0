import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { icnsFile, icoFile } from './lib/icon-files.ts';
import { root } from './lib/run.ts';

const build = (name: string) => join(root, 'build', name);
const PNG_MAGIC = Buffer.from('89504e470d0a1a0a', 'hex');

/** Width of a PNG, pixels. */
const widthOf = (png: Buffer) => png.readUInt32BE(16);

it('icons in every size are as large as their names say', async () => {
  const names = (await readdir(build('icons'))).filter((name) => name.endsWith('.png'));
  expect(names).toHaveLength(9);
  for (const name of names) expect(widthOf(await readFile(build(`icons/${name}`)))).toBe(parseInt(name, 10));
  expect(existsSync(build('icons/icon.svg'))).toBe(true);
});

it('icon.ico has the pictures up to 256 pixels', async () => {
  const ico = await readFile(build('icon.ico'));
  expect([ico.readUInt16LE(0), ico.readUInt16LE(2)]).toEqual([0, 1]);
  const widths = Array.from({ length: ico.readUInt16LE(4) }, (_, index) => {
    const [length, offset] = [ico.readUInt32LE(6 + 16 * index + 8), ico.readUInt32LE(6 + 16 * index + 12)];
    const png = ico.subarray(offset, offset + length);
    expect(png.subarray(0, 8)).toEqual(PNG_MAGIC);
    expect(ico.readUInt8(6 + 16 * index)).toBe(widthOf(png) % 256);
    return widthOf(png);
  });
  expect(widths).toEqual([16, 24, 32, 48, 64, 128, 256]);
});

it('icon.icns has the pictures up to 1,024 pixels', async () => {
  const icns = await readFile(build('icon.icns'));
  expect([icns.toString('latin1', 0, 4), icns.readUInt32BE(4)]).toEqual(['icns', icns.length]);
  const widths = new Set<number>();
  for (let at = 8; at < icns.length; at += icns.readUInt32BE(at + 4)) widths.add(widthOf(icns.subarray(at + 8)));
  expect([...widths]).toEqual([16, 32, 64, 128, 256, 512, 1024]);
});

it('an .icns file needs all sizes', () => {
  const small = [{ size: 16, png: Buffer.alloc(30) }];
  expect(() => icnsFile(small)).toThrow('An .icns file needs a picture of 32 pixels.');
  expect(icoFile(small)).toHaveLength(6 + 16 + 30);
});
