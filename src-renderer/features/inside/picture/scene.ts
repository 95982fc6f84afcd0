import { cellRects, drawCells, type Cells } from './cells.ts';

/** Shapes that a picture consists of. One description is drawn on a canvas and written as SVG. */
export type Shape =
  | { kind: 'rect'; x: number; y: number; width: number; height: number; fill: string; radius?: number }
  | Cells
  | { kind: 'line'; x1: number; y1: number; x2: number; y2: number; stroke: string }
  | {
      kind: 'text';
      x: number;
      y: number;
      text: string;
      fill: string;
      anchor: 'start' | 'middle' | 'end';
      /** Degrees, clockwise, around (x, y). */
      turn?: number;
      strong?: boolean;
    };

/** Coordinates in CSS pixels. Colours are names of design tokens, such as `--weight-3`. */
export interface Scene {
  width: number;
  height: number;
  shapes: readonly Shape[];
}

/** A scene whose shapes are made when they are first drawn: few pictures are drawn before they fit their column. */
export function lazyScene(width: number, height: number, make: () => readonly Shape[]): Scene {
  let made: readonly Shape[] | null = null;
  return {
    width,
    height,
    get shapes() {
      return (made ??= make());
    },
  };
}

/** The value of a design token in the current theme. */
export type Colours = (token: string) => string;

const FONT_SIZE = 12;
/** Of strong text. */
const STRONG = 700;
const FONT_FAMILY = "'JetBrains Mono Variable', 'JetBrains Mono', monospace";
const CANVAS_ALIGN = { start: 'left', middle: 'center', end: 'right' } as const;

/** Reads design tokens of the page's theme. */
export function themeColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const known = new Map<string, string>();
  return (token) => {
    const value = known.get(token) ?? style.getPropertyValue(token).trim();
    known.set(token, value);
    return value;
  };
}

/** @param context already scaled to CSS pixels */
export function drawScene(context: CanvasRenderingContext2D, scene: Scene, colour: Colours): void {
  context.clearRect(0, 0, scene.width, scene.height);
  context.textBaseline = 'middle';
  for (const shape of scene.shapes) drawShape(context, shape, colour);
}

function drawShape(context: CanvasRenderingContext2D, shape: Shape, colour: Colours): void {
  switch (shape.kind) {
    case 'rect':
      context.fillStyle = colour(shape.fill);
      if (shape.radius === undefined) {
        context.fillRect(shape.x, shape.y, shape.width, shape.height);
        return;
      }
      context.beginPath();
      context.roundRect(shape.x, shape.y, shape.width, shape.height, shape.radius);
      context.fill();
      return;
    case 'cells':
      if (!drawCells(context, shape, colour)) for (const rect of cellRects(shape)) drawShape(context, rect, colour);
      return;
    case 'line':
      context.strokeStyle = colour(shape.stroke);
      context.beginPath();
      context.moveTo(shape.x1, shape.y1);
      context.lineTo(shape.x2, shape.y2);
      context.stroke();
      return;
    case 'text':
      context.fillStyle = colour(shape.fill);
      context.font = `${shape.strong === true ? `${STRONG} ` : ''}${FONT_SIZE}px ${FONT_FAMILY}`;
      context.textAlign = CANVAS_ALIGN[shape.anchor];
      context.save();
      context.translate(shape.x, shape.y);
      context.rotate(((shape.turn ?? 0) * Math.PI) / 180);
      context.fillText(shape.text, 0, 0);
      context.restore();
  }
}

/** The picture as an SVG document on the page's background. */
export function sceneSvg(scene: Scene, title: string, colour: Colours): string {
  const { width, height } = scene;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="${colour('--surface-1')}"/>`,
    ...scene.shapes.map((shape) => shapeSvg(shape, colour)),
    '</svg>\n',
  ].join('\n');
}

function shapeSvg(shape: Shape, colour: Colours): string {
  switch (shape.kind) {
    case 'rect':
      return `<rect x="${round(shape.x)}" y="${round(shape.y)}" width="${round(shape.width)}" height="${round(shape.height)}"${shape.radius === undefined ? '' : ` rx="${shape.radius}"`} fill="${colour(shape.fill)}"/>`;
    case 'cells':
      return cellRects(shape)
        .map((rect) => shapeSvg(rect, colour))
        .join('\n');
    case 'line':
      return `<line x1="${round(shape.x1)}" y1="${round(shape.y1)}" x2="${round(shape.x2)}" y2="${round(shape.y2)}" stroke="${colour(shape.stroke)}"/>`;
    case 'text': {
      const [x, y] = [round(shape.x), round(shape.y)];
      const turn = shape.turn === undefined ? '' : ` transform="rotate(${shape.turn} ${x} ${y})"`;
      const weight = shape.strong === true ? ` font-weight="${STRONG}"` : '';
      return `<text x="${x}" y="${y}"${turn}${weight} fill="${colour(shape.fill)}" font-family="${FONT_FAMILY}" font-size="${FONT_SIZE}" dominant-baseline="middle" text-anchor="${shape.anchor}" xml:space="preserve">${escaped(shape.text)}</text>`;
    }
  }
}

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Also removes control characters, which XML cannot contain. */
function escaped(text: string): string {
  return (
    text
      // oxlint-disable-next-line no-control-regex
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
  );
}
