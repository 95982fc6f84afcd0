/** Draws texts, boxes and lines on a canvas in the colours and fonts of the page. */
import { RIGHT_TO_LEFT } from '../right-to-left.ts';
import { tokensOf, wrapTokens, type WrappedLine } from './wrap-tokens.ts';

/** What drawing needs of a `CanvasRenderingContext2D`. */
export type Context = Pick<
  CanvasRenderingContext2D,
  | 'beginPath'
  | 'direction'
  | 'fill'
  | 'fillRect'
  | 'fillStyle'
  | 'fillText'
  | 'font'
  | 'lineTo'
  | 'lineWidth'
  | 'measureText'
  | 'moveTo'
  | 'roundRect'
  | 'setLineDash'
  | 'stroke'
  | 'strokeStyle'
  | 'textAlign'
  | 'textBaseline'
>;

/** Value of a custom property of tokens.css: `--text-1`. */
export type ReadStyle = (property: string) => string;

export interface TextStyle {
  size: number;
  lineHeight: number;
  weight: number;
  /** Custom property of the colour. */
  colour: string;
}

const style = (size: number, lineHeight: number, weight: number, colour: string): TextStyle => ({
  size,
  lineHeight,
  weight,
  colour,
});

/** The roles of tokens.css that the drawing uses. */
export const STYLES = {
  title: style(17, 24, 600, '--text-1'),
  prompt: style(15, 24, 500, '--text-1'),
  lane: style(14, 24, 400, '--text-1'),
  label: style(13, 20, 600, '--text-1'),
  small: style(12, 16, 400, '--text-2'),
  quiet: style(12, 16, 400, '--text-3'),
} as const;

/** A line below a token. */
export interface Underline {
  /** Custom property. */
  colour: string;
  /** Px. */
  width: number;
  dash: readonly number[];
}

/** Between the backgrounds of two tokens, px. */
const TINT_GAP = 1;
/** Of the middle of an underline above the end of its line, px. */
const UNDERLINE_RISE = 3.5;

export class Pen {
  readonly context: Context;
  readonly #style: ReadStyle;

  constructor(context: Context, style: ReadStyle) {
    this.context = context;
    this.#style = style;
  }

  colour(property: string): string {
    return this.#style(property).trim();
  }

  /** @param width of a line, px */
  wrap(texts: readonly string[], style: TextStyle, width: number): WrappedLine[] {
    this.#use(style);
    return wrapTokens(texts, width, (text) => this.context.measureText(text).width);
  }

  box(x: number, y: number, width: number, height: number, colour: string, radius = 0): void {
    const { context } = this;
    context.fillStyle = this.colour(colour);
    context.beginPath();
    context.roundRect(x, y, width, height, radius);
    context.fill();
  }

  line(
    points: readonly (readonly [x: number, y: number])[],
    colour: string,
    width = 1,
    dash: readonly number[] = [],
  ): void {
    const { context } = this;
    context.strokeStyle = this.colour(colour);
    context.lineWidth = width;
    context.setLineDash([...dash]);
    context.beginPath();
    points.forEach(([x, y], index) => (index === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
    context.stroke();
  }

  /** One line of text. @param y its top */
  text(text: string, x: number, y: number, style: TextStyle, align: CanvasTextAlign = 'left'): void {
    this.#use(style);
    this.#put(text, x, y, style, align);
  }

  /**
   * @param tint background of a token; null for none
   * @param underline of a token; null for none
   * @param colour of a token's text
   */
  lines(
    lines: readonly WrappedLine[],
    x: number,
    y: number,
    style: TextStyle,
    {
      tint,
      underline,
      colour,
    }: {
      tint?: (token: number) => string | null;
      underline?: (token: number) => Underline | null;
      colour?: (token: number) => string;
    } = {},
  ): void {
    lines.forEach((line, index) => {
      const top = y + index * style.lineHeight;
      for (const { token, x: at, width } of tokensOf(line)) {
        const [left, right] = [x + at, x + at + width - TINT_GAP];
        const background = tint?.(token) ?? null;
        if (background !== null) this.box(left, top + 2, right - left, style.lineHeight - 4, background, 3);
        const below = underline?.(token) ?? null;
        if (below !== null) this.underline(left, right, top + style.lineHeight, below);
      }
      this.#use(style);
      if (line.some(({ text }) => RIGHT_TO_LEFT.test(text))) this.#putWhole(line, x, top, style);
      else
        for (const { token, text, x: at } of line)
          this.#put(text, x + at, top, { ...style, colour: colour?.(token) ?? style.colour }, 'left');
    });
  }

  /** @param bottom of the line of text */
  underline(left: number, right: number, bottom: number, { colour, width, dash }: Underline): void {
    const y = bottom - UNDERLINE_RISE;
    this.line(
      [
        [left, y],
        [right, y],
      ],
      colour,
      width,
      dash,
    );
  }

  /** Letters are joined and reordered across tokens, so the line is drawn at once. */
  #putWhole(line: WrappedLine, x: number, y: number, style: TextStyle): void {
    this.context.direction = 'rtl';
    const end = line.reduce((sum, { width }) => sum + width, x);
    this.#put(line.map(({ text }) => text).join(''), end, y, style, 'right');
    this.context.direction = 'ltr';
  }

  #put(text: string, x: number, y: number, { lineHeight, colour }: TextStyle, align: CanvasTextAlign): void {
    this.context.fillStyle = this.colour(colour);
    this.context.textAlign = align;
    this.context.fillText(text, x, y + lineHeight / 2);
  }

  #use({ size, weight }: TextStyle): void {
    this.context.font = `${weight} ${size}px ${this.colour('--font-ui')}`;
    this.context.textBaseline = 'middle';
  }
}
