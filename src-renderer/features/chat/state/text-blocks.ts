import type { ReplyPart } from '../../../../src-main/engine/api/types.ts';
import { RIGHT_TO_LEFT } from '../../../lib/right-to-left.ts';
import type { GrowingText } from './growing-text.ts';

/** A block ends at the first line break after this many tokens, */
const LINE_BREAK_AFTER = 48;
/** else at the first space after this many, */
const SPACE_AFTER = 64;
/** else anywhere after this many. */
const ANYWHERE_AFTER = 1024;

/** The answer, or reasoning with its markers. */
export type SectionKind = 'answer' | 'reasoning';

/**
 * A part of a reply's text with a layout of its own. Its borders are offsets in the text: a token may begin in one block
 * and end in the next.
 */
export interface TextBlock {
  kind: SectionKind;
  /** Tokens with text in it: index of the first, and after the last. */
  first: number;
  end: number;
  /** UTF-16 offsets in the reply's text. */
  from: number;
  to: number;
  /** It continues the last line of the previous block. */
  continues: boolean;
}

/** Consecutive blocks of one kind. */
export interface ReplySection {
  kind: SectionKind;
  /** Index of its first token. */
  first: number;
  blocks: readonly TextBlock[];
}

export function sectionKind(part: ReplyPart): SectionKind {
  return part === 'answer' ? 'answer' : 'reasoning';
}

const SPACE_AFTER_WORD = /(?<=\S) (?=\S|$)/u;

/** Splits a growing text into blocks. Full blocks keep their identity; only the last one changes. */
export class TextBlocks {
  sections: readonly ReplySection[] = [];

  readonly #text: GrowingText;
  /** Tokens and UTF-16 units seen. */
  #tokens = 0;
  #length = 0;
  /** Sections before the last. */
  #finished: ReplySection[] = [];
  /** Full blocks of the last section. */
  #full: TextBlock[] = [];
  /** The block that grows. */
  #open: TextBlock | null = null;

  constructor(text: GrowingText) {
    this.#text = text;
  }

  /**
   * Adds the next tokens, whose text is already in the reply's text.
   *
   * @param lengths UTF-16 units of each
   */
  append(lengths: readonly number[], kinds: readonly SectionKind[]): void {
    lengths.forEach((length, at) => this.#take(length, kinds[at] ?? 'answer'));
    this.#publish();
  }

  #take(length: number, kind: SectionKind): void {
    const index = this.#tokens++;
    const start = this.#length;
    this.#length += length;
    let open = this.#open;
    if (open === null || open.kind !== kind) open = this.#begin(kind, index, start, false);
    else if (index - open.first >= LINE_BREAK_AFTER && length > 0) {
      const cut = this.#cutIn(open, index, start, start + length);
      if (cut !== null) {
        open.end = cut.at > start ? index + 1 : index;
        open.to = cut.at;
        if (cut.at === start + length) {
          this.#close();
          return;
        }
        open = this.#begin(kind, index, cut.at, cut.continues);
      }
    }
    open.end = index + 1;
    open.to = this.#length;
  }

  /** Where `open` should end within the token from `start` to `end`. */
  #cutIn(open: TextBlock, index: number, start: number, end: number): { at: number; continues: boolean } | null {
    const text = this.#text.slice(start, end);
    const line = text.lastIndexOf('\n');
    if (line >= 0) return { at: start + line + 1, continues: false };
    const size = index - open.first;
    if (size < SPACE_AFTER) return null;
    const before = this.#text.slice(Math.max(open.from, start - 1), start);
    const around = this.#text.slice(Math.max(open.from, start - 16), end);
    const space = SPACE_AFTER_WORD.exec(before + text);
    // In right-to-left text, two blocks in one line would be in the wrong order.
    if (space !== null && space.index > 0 && !RIGHT_TO_LEFT.test(around)) {
      return { at: start - before.length + space.index, continues: true };
    }
    return size >= ANYWHERE_AFTER ? { at: start, continues: true } : null;
  }

  #begin(kind: SectionKind, index: number, from: number, continues: boolean): TextBlock {
    this.#close();
    if (this.#full.length > 0 && this.#full[0].kind !== kind) {
      this.#finished.push(sectionOf(this.#full));
      this.#full = [];
    }
    this.#open = { kind, first: index, end: index, from, to: from, continues };
    return this.#open;
  }

  #close(): void {
    if (this.#open !== null) this.#full.push(this.#open);
    this.#open = null;
  }

  #publish(): void {
    const blocks = this.#open === null ? [...this.#full] : [...this.#full, { ...this.#open }];
    this.sections = blocks.length === 0 ? [] : [...this.#finished, sectionOf(blocks)];
  }
}

function sectionOf(blocks: TextBlock[]): ReplySection {
  return { kind: blocks[0].kind, first: blocks[0].first, blocks };
}
