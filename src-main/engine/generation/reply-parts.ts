import type { GeneratedToken, ModelInfo, ReplyPart } from '../api/types.ts';

type Marks = NonNullable<ModelInfo['reasoningMarks']>;

/** A token with its text, including marks that are not shown. */
interface RawToken {
  readonly token: GeneratedToken;
  readonly raw: string;
}

/**
 * Separates a model's reasoning from its answer, token by token. Reasoning begins with the opening mark at the start of
 * the reply (or in the prompt, if the template opens it) and ends with the closing one. After that, only an opening mark
 * that is a single token starts another section, because an answer may mention marks.
 *
 * Tokens that may be the beginning of a mark are held back until that is certain.
 */
export class ReplyParts {
  private part: 'answer' | 'reasoning' = 'answer';
  /** Whether the reply so far is white space only. */
  private atBeginning = true;
  private held: RawToken[] = [];

  /**
   * @param marks null if all is answer
   * @param turnBeginning the start of the reply's turn that is part of the prompt
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

  /** @param raw the token's text, or its piece if it is not shown @returns tokens whose part is certain */
  push(token: GeneratedToken, raw: string): GeneratedToken[] {
    if (this.marks === null) return [token];
    this.held.push({ token, raw });
    return this.release(this.marks, false);
  }

  /** Releases what is held at the end of the reply. */
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

  /** Offset in the held text where the mark is or may begin; null if there is none. */
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

  /** Removes the held tokens that end before `position` or partly extend past it. */
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

  /** Removes the held tokens up to the one in which a mark at `[start, end)` ends; the part changes. */
  private takeThrough(start: number, end: number): GeneratedToken[] {
    const before = this.part;
    this.part = before === 'reasoning' ? 'answer' : 'reasoning';
    this.atBeginning = false;
    const taken: GeneratedToken[] = [];
    for (let at = 0; this.held.length > 0 && at < end;) {
      const { token, raw } = this.held.shift()!;
      // Other text in the same token is not part of the mark.
      const ahead = raw.slice(0, Math.max(0, start - at)).trim() !== '';
      const behind = raw.slice(Math.max(0, end - at)).trim() !== '';
      const part: ReplyPart = ahead || at + raw.length <= start ? before : behind ? this.part : 'reasoning_mark';
      taken.push({ ...token, part });
      at += raw.length;
    }
    return taken;
  }
}

/** Offset at which the end of a text may be the beginning of `mark`; null if it cannot. */
function beginningAtEnd(text: string, mark: string): number | null {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length--) {
    if (mark.startsWith(text.slice(-length))) return text.length - length;
  }
  return null;
}
