import type { Reply } from '../state/reply.svelte.ts';
import type { TextBlock } from '../state/text-blocks.ts';

/** What a block shows of one token. */
export interface BlockToken {
  index: number;
  /** Empty where it is hidden in this view, and for a part of a character. */
  text: string;
  logprob: number;
  /** It is one of the marks around reasoning. */
  isMark: boolean;
  /** The token begins in this block, and not in the one before. */
  begins: boolean;
  /** The space with which a block goes on in the line of the one before: it may be the last of that line. */
  lead: string;
  /**
   * All its white space is a single space between words. Such a space takes no room at the end of a line, so that it
   * draws no stray bar there; other white space is kept as it is.
   */
  plain: boolean;
}

/** A run of a token's text. A sign stands for white space that nobody could see or point at. */
export interface TokenSegment {
  kind: 'space' | 'word' | 'sign';
  text: string;
  /** Drawn over the white space, without taking room. */
  sign: string;
}

export interface BlockView {
  asTokens: boolean;
  /** It begins a part of the reply: white space before its first word would only be a hole. */
  bare: boolean;
}

const PLAIN = /^ ?\S+(?: \S+)*$/u;
const SIGNS: Readonly<Record<string, string>> = { '\n': '⏎', '\r': '␍', '\t': '⇥', ' ': '·' };

/**
 * The tokens of a block as they are shown.
 *
 * @param before what an earlier call gave for the same block and view: a block only grows, and what stays keeps its
 *   identity
 */
export function blockTokens(
  reply: Pick<Reply, 'token' | 'startOf' | 'slice'>,
  block: TextBlock,
  view: BlockView,
  before: readonly BlockToken[] = [],
): BlockToken[] {
  const tokens = before.slice();
  let isBare = view.bare && tokens.every(({ text, isMark }) => isMark || /^⏎*$/u.test(text));
  let previous = tokens.findLast(({ text }) => text !== '')?.text.at(-1) ?? '';
  for (let index = block.first + tokens.length; index < block.end; index++) {
    const { logprob, part } = reply.token(index);
    const start = reply.startOf(index);
    const all = reply.slice(Math.max(start, block.from), Math.min(reply.startOf(index + 1), block.to));
    const isMark = part === 'reasoning_mark';
    let text = isMark && !view.asTokens ? '' : all;
    if (isBare && !isMark) {
      text = all.trimStart();
      isBare = text === '';
      // Nothing could be pointed at where nothing is drawn.
      if (isBare && view.asTokens) text = all.replaceAll('\n', '⏎').trim();
    }
    const lead = block.continues && index === block.first && text.startsWith(' ') ? ' ' : '';
    text = text.slice(lead.length);
    const follows = previous !== '' && !/\s/u.test(previous);
    // The very first space of a reply belongs to its first word; there is nothing that it could separate.
    const plain = PLAIN.test(text) && (!text.startsWith(' ') || follows || (block.from === 0 && previous === ''));
    tokens.push({ index, text, logprob, isMark, begins: start >= block.from, lead, plain });
    previous = text.at(-1) ?? previous;
  }
  return tokens;
}

/** The text of a block as plain text: what `blockTokens` shows. The first space of a reply is not seen there either. */
export function blockText(
  reply: Pick<Reply, 'token' | 'startOf' | 'slice'>,
  block: TextBlock,
  view: BlockView,
): string {
  if (!view.bare && block.kind === 'answer') {
    const text = reply.slice(block.from, block.to);
    return block.from === 0 ? text.replace(/^ (?=\S)/u, '') : text;
  }
  return blockTokens(reply, block, view)
    .map(({ lead, text }) => lead + text)
    .join('');
}

/** Takes a token's text apart where something in it needs a sign; null where nothing does. */
export function tokenSegments({ text, plain }: BlockToken): TokenSegment[] | null {
  if (plain || !/\s/u.test(text)) return null;
  const isBlank = text.trim() === '';
  return (text.match(/[\n\r\t]| +|[^\n\r\t ]+/gu) ?? []).flatMap((run): TokenSegment[] => {
    if (!/^[\n\r\t ]/u.test(run)) return [{ kind: 'word', text: run, sign: '' }];
    // One space beside a word is seen by the gap that it makes.
    if (run === ' ' && !isBlank) return [{ kind: 'space', text: run, sign: '' }];
    return [...run].map((character) => ({ kind: 'sign', text: character, sign: SIGNS[character] ?? '·' }));
  });
}

/** A text around its word: what the ring of the token that is looked at encloses. */
export function wordOf(text: string): [before: string, word: string, after: string] {
  const word = text.trim();
  const start = text.indexOf(word);
  return [text.slice(0, start), word, text.slice(start + word.length)];
}
