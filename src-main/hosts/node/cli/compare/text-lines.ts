import { displayWidth } from '../format/display-width.ts';

/** Wraps a growing text into lines of at most `width` columns, between words if possible. */
export class TextLines {
  /** Lines that no longer change. */
  readonly complete: string[] = [];
  private line = '';
  private lineWidth = 0;

  /** @param width at least 2 */
  constructor(private readonly width: number) {}

  add(text: string): void {
    for (const character of text.replaceAll('\t', ' ')) {
      if (character === '\n') this.breakLine();
      // Control characters would break the columns.
      else if (!/\p{Cc}/u.test(character)) this.put(character);
    }
  }

  end(): void {
    if (this.line !== '') this.breakLine();
  }

  private put(character: string): void {
    const width = displayWidth(character);
    if (this.lineWidth + width > this.width) {
      if (character === ' ') return this.breakLine();
      const lastSpace = this.line.lastIndexOf(' ');
      const rest = lastSpace <= 0 ? '' : this.line.slice(lastSpace + 1);
      if (lastSpace > 0) this.line = this.line.slice(0, lastSpace);
      this.breakLine();
      this.line = rest;
      this.lineWidth = displayWidth(rest);
    }
    this.line += character;
    this.lineWidth += width;
  }

  private breakLine(): void {
    this.complete.push(this.line.trimEnd());
    this.line = '';
    this.lineWidth = 0;
  }
}
