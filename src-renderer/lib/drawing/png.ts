import { Pen, type ReadStyle } from './pen.ts';

/** Pixels per CSS pixel. */
const SCALE = 2;

/** A drawing and its size, CSS pixels. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly draw: (pen: Pen) => void;
}

/**
 * A picture in the colours and fonts of the page.
 * @param layOut measures texts with the pen, which draws later @throws Error if it is too large
 */
export async function pngOf(layOut: (pen: Pen) => Drawing): Promise<Blob> {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('The picture cannot be drawn: no canvas is available.');
  await document.fonts.ready;
  const computed = getComputedStyle(document.documentElement);
  const style: ReadStyle = (property) => computed.getPropertyValue(property);
  const { width, height, draw } = layOut(new Pen(context, style));
  canvas.width = width * SCALE;
  canvas.height = height * SCALE;
  context.scale(SCALE, SCALE);
  draw(new Pen(context, style));
  return await new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new Error(`A picture of ${canvas.width} by ${canvas.height} pixels is too large.`));
      else resolve(blob);
    }, 'image/png');
  });
}
