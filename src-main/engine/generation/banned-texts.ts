import type { VocabularyText } from '../sampling/dry-breakers.ts';
import type { Tokenizer, TokenStream } from '../tokenizer/tokenizer.ts';
import { mayBegin, type Joint } from './continuation.ts';

/** A completed banned text: the reply must backtrack. */
export interface BannedMatch {
  /** Index in the reply of the token in which the banned text begins. */
  readonly position: number;
  /** Index of the token that completes it, or of the last one that may: the decoder can deliver text late. */
  readonly last: number;
  /** The part of the banned text that is in that token; empty if its text came late. */
  readonly rest: string;
}

interface HeldToken<T> {
  readonly token: T;
  /** What the decoder delivered with the token. */
  readonly text: string;
  /** Whether it still held back text then. */
  readonly open: boolean;
}

/**
 * Finds banned texts in a growing reply. Tokens are held back as long as their text may be the beginning of a banned one,
 * or the decoder still holds it back, so that backtracking never retracts what was passed on. A banned text that begins
 * before them, in the text that the reply continues, counts as one that begins in the first of them.
 */
export class BannedTexts<T extends { id: number }> {
  private readonly passedOn: number[] = [];
  private held: HeldToken<T>[] = [];
  /** Ids before the tokens that can be retracted, see `give`. */
  private readonly given: number[] = [];
  private stream: TokenStream;
  /** The end of the text before the held tokens, if a banned text may begin there. */
  private before: string;
  /** Text of what precedes the reply's tokens that comes with the first of them. */
  private late: string;

  /** @param texts must not be empty strings @param begin the same each time: where the reply begins */
  constructor(
    private readonly texts: readonly string[],
    private readonly begin: () => Joint,
  ) {
    const { stream, before } = begin();
    this.stream = stream;
    this.before = mayBegin(before, texts);
    this.late = this.heldBack();
  }

  /** Number of the reply's tokens that can no longer be retracted. */
  get certain(): number {
    return this.passedOn.length;
  }

  /** Adds a token before all others that was not drawn. It cannot be retracted, and does not count as one of them. */
  give(id: number): void {
    this.given.push(id);
    this.before = mayBegin(this.before + this.stream.push(id), this.texts);
    this.late = this.heldBack();
  }

  /** Adds the next token. @returns the match that it completes, or null */
  push(token: T): BannedMatch | null {
    const added = this.stream.push(token.id);
    this.held.push({ token, text: added, open: this.stream.pending });
    const text = this.text();
    const found = this.firstMatch(text);
    if (found === null) return null;
    const position = this.passedOn.length + this.tokenAt(found.start);
    const last = this.passedOn.length + this.held.length - 1;
    const own = text.length - added.length + this.lateLength(this.held.length - 1);
    const end = found.start + found.length;
    // What came late was completed by the token before at the latest.
    return end > own ? { position, last, rest: text.slice(own, end) } : { position, last: last - 1, rest: '' };
  }

  /**
   * Releases the tokens in which no banned text can begin any more, not even after backtracking: the text before a
   * possible match may itself end with the beginning of a banned text.
   */
  release(): T[] {
    const text = this.text();
    let end = text.length;
    while (end > this.before.length) {
      const start = this.partialMatch(text, end);
      if (start === end) break;
      end = this.startOf(this.tokenAt(start));
    }
    return this.passOn((tokenEnd) => tokenEnd <= end);
  }

  /** Ends the reply. @returns the held tokens, up to a banned text that the end of the text completes */
  finish(): T[] {
    const found = this.firstMatch(this.text() + this.stream.flush());
    return found === null ? this.take(this.held.length) : this.passOn((end) => end <= found.start);
  }

  /** Retracts the tokens from `position` on. */
  backtrack(position: number): void {
    this.held = this.held.slice(0, position - this.passedOn.length);
    this.stream = this.streamAfter(this.held.length);
  }

  /** Streams cannot go back, so the tokens up to the first `count` held ones are decoded again from the beginning. */
  private streamAfter(count: number): TokenStream {
    const { stream } = this.begin();
    for (const id of [...this.given, ...this.passedOn]) stream.push(id);
    for (const { token } of this.held.slice(0, count)) stream.push(token.id);
    return stream;
  }

  /** What the stream holds back before the first token. */
  private heldBack(): string {
    return this.stream.pending ? this.streamAfter(0).flush() : '';
  }

  /** The text of the held tokens, after the text before them. */
  private text(): string {
    return this.before + this.held.map(({ text }) => text).join('');
  }

  private firstMatch(text: string): { start: number; length: number } | null {
    const { before, late } = this;
    // What ends before the first token was not drawn.
    const drawn = before.length + (this.certain === 0 && text.startsWith(late, before.length) ? late.length : 0);
    let first: { start: number; length: number } | null = null;
    for (const banned of this.texts) {
      const start = text.indexOf(banned, Math.max(0, drawn + 1 - banned.length));
      if (start !== -1 && (first === null || start < first.start)) first = { start, length: banned.length };
    }
    return first;
  }

  /** The earliest offset from which `text` up to `end` is the beginning of a banned text; `end` if there is none. */
  private partialMatch(text: string, end: number): number {
    let first = end;
    for (const banned of this.texts) {
      for (let start = Math.max(0, end - banned.length + 1); start < first; start++) {
        if (banned.startsWith(text.slice(start, end))) first = start;
      }
    }
    return first;
  }

  /** Offset of a held token's text. */
  private startOf(index: number): number {
    return this.held.slice(0, index).reduce((length, { text }) => length + text.length, this.before.length);
  }

  /** Index of the held token that contains the character at `offset`; of the first that may, if it came late or before. */
  private tokenAt(offset: number): number {
    let end = this.before.length;
    const index = this.held.findIndex(({ text }) => (end += text.length) > offset);
    const late = this.lateLength(index);
    return late > 0 && offset >= this.startOf(index) + late ? index : this.heldBackSince(index);
  }

  /** How much of what came with the token at `index` had been held back before it; 0 if that is nothing or unknown. */
  private lateLength(index: number): number {
    if (index === 0 ? this.certain > 0 : !this.held[index - 1].open) return 0;
    const late = index === 0 ? this.late : this.streamAfter(index).flush();
    // An incomplete character is flushed as another one than it becomes.
    return this.held[index].text.startsWith(late) ? late.length : 0;
  }

  /** Index of the first token whose text may have been held back when the one at `index` came; `index` if none. */
  private heldBackSince(index: number): number {
    while (index > 0 && this.held[index - 1].open) {
      index--;
      // What is still held back follows what was delivered.
      if (this.held[index].text !== '') break;
    }
    return index;
  }

  private passOn(isSafe: (end: number) => boolean): T[] {
    let end = this.before.length;
    const kept = this.held.findIndex(({ text }) => !isSafe((end += text.length)));
    // A token is not certain before its text is.
    return this.take(this.heldBackSince(kept === -1 ? this.held.length : kept));
  }

  private take(count: number): T[] {
    const released = this.held.slice(0, count);
    this.held = this.held.slice(count);
    this.passedOn.push(...released.map(({ token }) => token.id));
    // No banned text begins there any more.
    if (released.some(({ text }) => text !== '')) this.before = '';
    return released.map(({ token }) => token);
  }
}

/** The tokens that contain a banned text by themselves. The text of a special token is never part of a reply. */
export function tokensContaining(texts: readonly string[], tokenizer: Tokenizer): number[] {
  const { size, text } = vocabularyText(tokenizer, tokenizer.vocabularySize);
  const any = new RegExp(texts.map((banned) => banned.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'), 'u');
  return idsWhere(size, (id) => !tokenizer.isSpecial(id) && any.test(text(id)));
}

/** The tokens whose text begins with `start`, without special ones. */
export function tokensBeginning(start: string, tokenizer: Tokenizer): number[] {
  const { size, text } = vocabularyText(tokenizer, tokenizer.vocabularySize);
  return idsWhere(size, (id) => !tokenizer.isSpecial(id) && text(id).startsWith(start));
}

function idsWhere(size: number, holds: (id: number) => boolean): number[] {
  const ids: number[] = [];
  for (let id = 0; id < size; id++) if (holds(id)) ids.push(id);
  return ids;
}

const known = new WeakMap<Tokenizer, VocabularyText>();

/** The vocabulary's texts for samplers, decoded once per tokenizer on first use. */
export function vocabularyText(tokenizer: Tokenizer, size: number): VocabularyText {
  const already = known.get(tokenizer);
  if (already?.size === size) return already;
  const texts: string[] = [];
  const text = (id: number): string => (texts[id] ??= tokenizer.decode([id], false));
  const vocabulary = { size, text, encode: (plain: string) => tokenizer.encode(plain, { addSpecial: false }) };
  known.set(tokenizer, vocabulary);
  return vocabulary;
}
