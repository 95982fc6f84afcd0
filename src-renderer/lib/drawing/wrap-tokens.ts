/** Breaks a text of tokens into lines, for a canvas, which has no layout of its own. */

/** Part of a token in a line. */
export interface Fragment {
  /** Index of the token. */
  token: number;
  text: string;
  /** Px from the start of the line. */
  x: number;
  width: number;
}

export type WrappedLine = Fragment[];

type Measure = (text: string) => number;

/** A tab is drawn as wide as this. */
const TAB = '    ';

/**
 * Lines break at spaces, which stay at the end of a line, and inside of words only if a word is wider than a line.
 *
 * @param texts of the tokens
 * @param width of a line, px
 */
export function wrapTokens(texts: readonly string[], width: number, measure: Measure): WrappedLine[] {
  const lines = new Lines(width, measure);
  texts.forEach((text, token) => {
    for (const [piece] of text.replaceAll('\t', TAB).matchAll(/\r\n|[\n\r\u2028\u2029]|[^\S\n\r\u2028\u2029]+|\S+/gu)) {
      if (/^[\n\r\u2028\u2029]/.test(piece)) lines.break();
      else if (/^\s/.test(piece)) lines.addSpace(token, piece);
      else lines.addToWord(token, piece);
    }
  });
  return lines.done();
}

/**
 * A line's tokens, each in one piece. Without the space at the end of the line: it belongs to the token that begins the next
 * one.
 */
export function tokensOf(line: WrappedLine): WrappedLine {
  const tokens: WrappedLine = [];
  for (const part of line) {
    const last = tokens.at(-1);
    if (last?.token !== part.token) tokens.push({ ...part });
    else tokens[tokens.length - 1] = { ...last, text: last.text + part.text, width: last.width + part.width };
  }
  const end = tokens.at(-1);
  return tokens.length > 1 && end?.text.trim() === '' ? tokens.slice(0, -1) : tokens;
}

class Lines {
  readonly #width: number;
  readonly #measure: Measure;
  readonly #lines: WrappedLine[] = [];
  #line: WrappedLine = [];
  #x = 0;
  /** Parts of a word, which may consist of several tokens. */
  #word: Omit<Fragment, 'x'>[] = [];

  constructor(width: number, measure: Measure) {
    this.#width = width;
    this.#measure = measure;
  }

  addToWord(token: number, text: string): void {
    this.#word.push({ token, text, width: this.#measure(text) });
  }

  addSpace(token: number, text: string): void {
    this.#endWord();
    this.#place({ token, text, width: this.#measure(text) });
  }

  break(): void {
    this.#endWord();
    this.#endLine();
  }

  done(): WrappedLine[] {
    this.#endWord();
    if (this.#line.length > 0) this.#endLine();
    return this.#lines;
  }

  #endWord(): void {
    const width = this.#word.reduce((sum, part) => sum + part.width, 0);
    if (this.#x > 0 && this.#x + width > this.#width) this.#endLine();
    for (const part of this.#word) {
      if (width <= this.#width) this.#place(part);
      else this.#placeBroken(part);
    }
    this.#word = [];
  }

  #placeBroken({ token, text }: Omit<Fragment, 'x'>): void {
    let placed = '';
    for (const character of text) {
      const next = placed + character;
      const isEmpty = this.#x === 0 && placed === '';
      if (!isEmpty && this.#x + this.#measure(next) > this.#width) {
        if (placed !== '') this.#place({ token, text: placed, width: this.#measure(placed) });
        this.#endLine();
        placed = character;
      } else {
        placed = next;
      }
    }
    this.#place({ token, text: placed, width: this.#measure(placed) });
  }

  #place(part: Omit<Fragment, 'x'>): void {
    this.#line.push({ ...part, x: this.#x });
    this.#x += part.width;
  }

  #endLine(): void {
    this.#lines.push(this.#line);
    this.#line = [];
    this.#x = 0;
  }
}
