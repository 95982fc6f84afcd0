import type { GeneratedToken, ModelInfo, ReplyPart } from '../api/types.ts';

type Marks = NonNullable<ModelInfo['reasoningMarks']>;

/** A token with what it writes, marks that do not show included. */
interface RawToken {
  readonly token: GeneratedToken;
  readonly raw: string;
}

/**
 * Tells a model's reasoning from its answer, token by token. Reasoning begins with the opening mark at the beginning of
 * the reply (or in the prompt, where the template opens it) and ends with the closing one; later on, only an opening mark
 * that is a token of its own begins another stretch, because an answer may talk about marks.
 *
 * Tokens that may be the beginning of a mark are held back until that is certain.
 */
export class ReplyParts {
  private part: 'answer' | 'reasoning' = 'answer';
  /** Whether nothing but white space was written so far. */
  private atBeginning = true;
  private held: RawToken[] = [];

  /**
   * @param marks null: all is answer
   * @param turnBeginning what of the reply's turn is part of the prompt
   */
  constructor(
    private readonly marks: Marks | null,
    turnBeginning: string,
  ) {
    if (marks === null) return;
    const { open, close } = marks;
    const opened = turnBeginning.lastIndexOf(open);
    if (opened !== -1 && turnBeginning.indexOf(close, opened) === -1) this.part = 'reasoning';
    else if (turnBeginning.includes(close)) this.atBeginning = false;
  }

  /** @param raw the token's text, or its piece where it does not show @returns tokens whose part is certain */
  push(token: GeneratedToken, raw: string): GeneratedToken[] {
    if (this.marks === null) return [token];
    this.held.push({ token, raw });
    return this.release(this.marks, false);
  }

  /** What is still held, at the end of the reply. */
  finish(): GeneratedToken[] {
    return this.marks === null ? [] : this.release(this.marks, true);
  }

  private release(marks: Marks, isEnd: boolean): GeneratedToken[] {
    const released: GeneratedToken[] = [];
    while (this.held.length > 0) {
      const text = this.held.map(({ raw }) => raw).join('');
      const mark = this.part === 'reasoning' ? marks.close : marks.open;
      const start = this.find(text, mark);
      if (start !== null && start + mark.length <= text.length) {
        released.push(...this.takeThrough(start, start + mark.length));
        continue;
      }
      if (start !== null && !isEnd) {
        released.push(...this.takeBefore(start));
        break;
      }
      released.push(...this.takeBefore(Infinity));
    }
    return released;
  }

  /** Where in the held text the mark stands or may begin; null where it cannot. */
  private find(text: string, mark: string): number | null {
    if (this.part === 'reasoning') {
      const found = text.indexOf(mark);
      return found !== -1 ? found : beginningAtEnd(text, mark);
    }
    const start = text.length - text.trimStart().length;
    if (!this.atBeginning) return this.held[0].raw.trim() === mark ? this.held[0].raw.indexOf(mark) : null;
    const begun = text.slice(start);
    return begun.startsWith(mark) || mark.startsWith(begun) ? start : null;
  }

  /** Held tokens that end before `position` or reach into it only in part. */
  private takeBefore(position: number): GeneratedToken[] {
    const taken: GeneratedToken[] = [];
    let at = 0;
    while (this.held.length > 0 && (at + this.held[0].raw.length <= position || position === Infinity)) {
      const { token, raw } = this.held.shift()!;
      at += raw.length;
      if (raw.trim() !== '') this.atBeginning = false;
      taken.push({ ...token, part: this.part });
    }
    return taken;
  }

  /** Held tokens up to the one in which a mark at `[start, end)` ends; the part changes. */
  private takeThrough(start: number, end: number): GeneratedToken[] {
    const before = this.part;
    this.part = before === 'reasoning' ? 'answer' : 'reasoning';
    this.atBeginning = false;
    const taken: GeneratedToken[] = [];
    for (let at = 0; this.held.length > 0 && at < end;) {
      const { token, raw } = this.held.shift()!;
      // Nothing that a model wrote beside a mark counts as the mark.
      const ahead = raw.slice(0, Math.max(0, start - at)).trim() !== '';
      const behind = raw.slice(Math.max(0, end - at)).trim() !== '';
      const part: ReplyPart = ahead || at + raw.length <= start ? before : behind ? this.part : 'reasoning_mark';
      taken.push({ ...token, part });
      at += raw.length;
    }
    return taken;
  }
}

/** Where the end of a text may be the beginning of `mark`; null where it cannot. */
function beginningAtEnd(text: string, mark: string): number | null {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length--) {
    if (mark.startsWith(text.slice(-length))) return text.length - length;
  }
  return null;
}
