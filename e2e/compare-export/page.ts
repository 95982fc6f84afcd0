/** Runs inside the page: draws a run of Compare and reads the picture back, and saves a file. */
import type { StoredComparison } from '../../src-main/protocol/app/comparisons/comparison.ts';
import { comparisonPng } from '../../src-renderer/features/compare/export/draw-comparison.ts';
import { saveFile } from '../../src-renderer/lib/save-file.ts';

/** The theme's colour as `#rrggbb`. */
function colourOf(property: string): string {
  const context = new OffscreenCanvas(1, 1).getContext('2d');
  if (context === null) throw new Error('There is no canvas.');
  context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(property);
  return String(context.fillStyle);
}

/** Opens the PNG file and counts its pixels by colour, `#rrggbb`. */
async function readPicture(comparison: StoredComparison) {
  const bitmap = await createImageBitmap(await comparisonPng(comparison));
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d');
  if (context === null) throw new Error('There is no canvas.');
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const pixels: Record<string, number> = {};
  for (let at = 0; at < data.length; at += 4) {
    const colour = `#${[...data.subarray(at, at + 3)].map((value) => value.toString(16).padStart(2, '0')).join('')}`;
    pixels[colour] = (pixels[colour] ?? 0) + 1;
  }
  return { width, height, pixels };
}

Object.assign(globalThis, {
  readPicture,
  colourOf,
  saveText: (text: string, name: string) => saveFile(new Blob([text], { type: 'text/plain' }), name),
});
