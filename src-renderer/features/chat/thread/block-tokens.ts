import type { Reply } from '../state/reply.svelte.ts';
import type { TextBlock } from '../state/text-blocks.ts';

/** What a block shows of one token. */
export interface BlockToken {
  index: number;
  /** Empty where it is hidden in this view, and for a part of a character. */
  text: string;
  logprob: number;
  /** It is a reasoning marker. */
  isMark: boolean;
  /** The token begins in this block, not in the previous one. */
  begins: boolean;
  /** The leading space of a block that continues a line; it may be the last character of that line. */
  lead: string;
  /**
   * Its only white space is single spaces between words. At the end of a line such a space collapses, so that its tint
   * draws no stray bar. Other white space is preserved.
   */
  plain: boolean;
}

/** A run of a token's text. A sign represents white space that would otherwise be invisible. */
export interface TokenSegment {
  kind: 'space' | 'word' | 'sign';
  text: string;
  /** Drawn over the white space, without taking room. */
  sign: string;
}

export interface BlockView {
  asTokens: boolean;
  /** It begins a section of the reply: white space before its first word is left out. */
  bare: boolean;
}

/** A text that is `plain`. */
export const PLAIN = /^ ?\S+(?: \S+)*$/u;
const SIGNS: Readonly<Record<string, string>> = { '\n': '⏎', '\r': '␍', '\t': '⇥', ' ': '·' };

/**
 * The tokens of a block, for display.
 *
 * @param before result of an earlier call for the same block and view: blocks only grow, and its tokens keep their
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
      // An invisible token could not be hovered over.
      if (isBare && view.asTokens) text = all.replaceAll('\n', '⏎').trim();
    }
    const lead = block.continues && index === block.first && text.startsWith(' ') ? ' ' : '';
    text = text.slice(lead.length);
    const follows = previous !== '' && !/\s/u.test(previous);
    // The first space of a reply belongs to its first word.
    const plain = PLAIN.test(text) && (!text.startsWith(' ') || follows || (block.from === 0 && previous === ''));
    tokens.push({ index, text, logprob, isMark, begins: start >= block.from, lead, plain });
    previous = text.at(-1) ?? previous;
  }
  return tokens;
}

/** The text of a block as `blockTokens` shows it, without the first space of a reply. */
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

/** The same, split before one of its tokens. */
export function blockTextAround(
  reply: Pick<Reply, 'token' | 'startOf' | 'slice'>,
  block: TextBlock,
  view: BlockView,
  index: number,
): [before: string, behind: string] {
  const text = blockText(reply, block, view);
  // From the end, because white space is left out at the start.
  const behind =
    !view.bare && block.kind === 'answer'
      ? block.to - Math.max(block.from, reply.startOf(index))
      : blockTokens(reply, block, view)
          .filter((token) => token.index >= index)
          .reduce((sum, token) => sum + token.lead.length + token.text.length, 0);
  const at = Math.max(0, text.length - behind);
  return [text.slice(0, at), text.slice(at)];
}

/** Splits a token's text into segments; null if no segment needs a sign. */
export function tokenSegments({ text, plain }: BlockToken): TokenSegment[] | null {
  if (plain || !/\s/u.test(text)) return null;
  const isBlank = text.trim() === '';
  return (text.match(/[\n\r\t]| +|[^\n\r\t ]+/gu) ?? []).map((run): TokenSegment => {
    if (!/^[\n\r\t ]/u.test(run)) return { kind: 'word', text: run, sign: '' };
    // A single space beside a word is visible as a gap.
    if (run === ' ' && !isBlank) return { kind: 'space', text: run, sign: '' };
    // Spaces side by side are one sign, so that one ring encloses them.
    return { kind: 'sign', text: run, sign: (SIGNS[run[0]] ?? '·').repeat(run.length) };
  });
}

/** Splits a text around its word, which is what the ring of the focused token encloses. */
export function wordOf(text: string): [before: string, word: string, after: string] {
  const word = text.trim();
  const start = text.indexOf(word);
  return [text.slice(0, start), word, text.slice(start + word.length)];
}
