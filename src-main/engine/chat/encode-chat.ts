import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { TokenPiece } from '../types.ts';
import type { ChatText, Span } from './chat-text.ts';

/**
 * A chat's tokens. Special tokens are only read in what the template wrote; where a message holds the text of one, it
 * stays text. Without such messages the ids are those of the whole text.
 *
 * BOS comes once: from the template, else from the tokenizer where it puts one before every text.
 */
export function encodeChat(chat: ChatText, tokenizer: Tokenizer): TokenPiece[] {
  const { text, written, parseSpecial } = chat;
  if (!parseSpecial) return tokenizer.encodePieces(text);
  const whole = tokenizer.encodePieces(text, { addSpecial: false, parseSpecial: true });
  const safe = whole.some((piece) => piece.special && touches(piece, written)) ? encodeApart(chat, tokenizer) : whole;
  const [first] = tokenizer.encodePieces('', { addSpecial: true });
  const addsBos = first !== undefined && first.id === tokenizer.bosTokenId;
  return addsBos && safe[0]?.id !== first.id ? [first, ...safe] : safe;
}

/** @param spans sorted */
function touches({ range }: TokenPiece, spans: readonly Span[]): boolean {
  if (range === null) return false;
  const [from, to] = range;
  let [low, high] = [0, spans.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle].end > from) high = middle;
    else low = middle + 1;
  }
  return low < spans.length && spans[low].start < to;
}

/** The template's special tokens are looked for in its own stretches; what lies between two of them is encoded as text. */
function encodeApart({ text, written }: ChatText, tokenizer: Tokenizer): TokenPiece[] {
  const pieces: TokenPiece[] = [];
  let from = 0;
  const asText = (to: number) => {
    const found = tokenizer.encodePieces(text.slice(from, to), { addSpecial: false, parseSpecial: false });
    for (const piece of found) pieces.push(moved(piece, from));
  };
  for (const { start, end } of between(written, text.length)) {
    for (const piece of tokenizer.encodePieces(text.slice(start, end), { addSpecial: false, parseSpecial: true })) {
      if (!piece.special || piece.range === null) continue;
      asText(start + piece.range[0]);
      pieces.push(moved(piece, start));
      from = start + piece.range[1];
    }
  }
  asText(text.length);
  return pieces;
}

/** The stretches outside of `spans`. */
function between(spans: readonly Span[], length: number): Span[] {
  const starts = [0, ...spans.map(({ end }) => end)];
  const ends = [...spans.map(({ start }) => start), length];
  return starts.map((start, i) => ({ start, end: ends[i] })).filter(({ start, end }) => start < end);
}

function moved(piece: TokenPiece, by: number): TokenPiece {
  return piece.range === null ? piece : { ...piece, range: [piece.range[0] + by, piece.range[1] + by] };
}
