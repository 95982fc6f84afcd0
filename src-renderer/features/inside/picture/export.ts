import { csv, type CsvColumn } from '../../../lib/csv.ts';
import { saveFile } from '../../../lib/save-file.ts';
import type { Picture, Table, TableValue } from './picture.ts';
import { drawScene, sceneSvg, themeColours } from './scene.ts';

/** Device pixels per CSS pixel of an exported PNG. */
const PNG_SCALE = 2;
/** Chromium's limit for the sides of a canvas, px. */
const MAX_SIDE = 16_384;

export type PictureFormat = 'png' | 'svg' | 'csv' | 'json';

/** Saves a picture or its numbers. @throws Error if the browser cannot encode the picture */
export async function exportPicture(picture: Picture, format: PictureFormat): Promise<void> {
  saveFile(await exported(picture, format), `${picture.fileName}.${format}`);
}

async function exported(picture: Picture, format: PictureFormat): Promise<Blob> {
  switch (format) {
    case 'png':
      return png(picture);
    case 'svg':
      return new Blob([sceneSvg(picture.scene, picture.title, themeColours())], { type: 'image/svg+xml' });
    case 'csv':
      return new Blob([tableCsv(picture.table)], { type: 'text/csv' });
    case 'json':
      return new Blob([tableJson(picture.title, picture.table)], { type: 'application/json' });
  }
}

function png({ scene }: Picture): Promise<Blob> {
  const colour = themeColours();
  const scale = Math.min(PNG_SCALE, MAX_SIDE / Math.max(scene.width, scene.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.ceil(scene.width * scale);
  canvas.height = Math.ceil(scene.height * scale);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('The browser cannot draw the picture.');
  context.scale(scale, scale);
  drawScene(context, scene, colour);
  context.globalCompositeOperation = 'destination-over';
  context.fillStyle = colour('--surface-1');
  context.fillRect(0, 0, scene.width, scene.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new Error('The browser cannot encode the picture.'));
      else resolve(blob);
    }, 'image/png');
  });
}

/** RFC 4180, with CRLF. Numbers have all their digits. */
export function tableCsv(table: Table): string {
  const columns = table.columns.map((heading, at): CsvColumn<TableValue[]> => [heading, (row) => row[at]]);
  const rows = Array.from({ length: table.rows }, (_, index) => table.row(index));
  return csv(columns, rows);
}

/** `{ title, columns, rows }`. JSON has no infinity: it is a string there. */
export function tableJson(title: string, table: Table): string {
  const rows = Array.from({ length: table.rows }, (_, index) =>
    table.row(index).map((value) => (typeof value === 'string' || Number.isFinite(value) ? value : String(value))),
  );
  return `${JSON.stringify({ title, columns: table.columns, rows })}\n`;
}
