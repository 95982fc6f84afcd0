import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { TokenPiece } from '../api/types.ts';
import type { ChatText, Span } from './chat-text.ts';

/**
 * Tokenizes a chat. Special tokens are only parsed in the template's own text; in a message they stay text. In a user's
 * message that also applies to other tokens of the template, such as `<think>`, which are otherwise found in every text.
 * Without such messages the ids are those of the whole text.
 *
 * There is one BOS: from the template, or else from the tokenizer if it adds one to every text.
 */
export function encodeChat(chat: ChatText, tokenizer: Tokenizer): TokenPiece[] {
  const { text, written, template } = chat;
  if (template === null) return tokenizer.encodePieces(text);
  const marks = userDefinedIn(template, tokenizer);
  const byPeople = written.filter(({ role }) => role !== 'assistant');
  const isForged = (piece: TokenPiece) =>
    (piece.special && touches(piece, written)) || (marks.has(piece.id) && touches(piece, byPeople));
  const whole = tokenizer.encodePieces(text, { addSpecial: false, parseSpecial: true });
  const safe = whole.some(isForged) ? encodeApart(chat, marks, tokenizer) : whole;
  const [first] = tokenizer.encodePieces('', { addSpecial: true });
  const addsBos = first !== undefined && first.id === tokenizer.bosTokenId;
  return addsBos && safe[0]?.id !== first.id ? [first, ...safe] : safe;
}

/** By tokenizer: its tokens that are found in every text and contain a character that words do not have. */
const userDefined = new WeakMap<Tokenizer, readonly (readonly [id: number, text: string])[]>();
/** By tokenizer: those that occur in the last template. */
const inTemplate = new WeakMap<Tokenizer, { template: string; ids: ReadonlySet<number> }>();

function userDefinedIn(template: string, tokenizer: Tokenizer): ReadonlySet<number> {
  const last = inTemplate.get(tokenizer);
  if (last?.template === template) return last.ids;
  let tokens = userDefined.get(tokenizer);
  if (tokens === undefined) {
    const ids = Array.from({ length: tokenizer.vocabularySize }, (_, id) => id);
    tokens = ids
      .filter((id) => tokenizer.kind(id) === 'user_defined')
      .map((id) => [id, tokenizer.piece(id)] as const)
      .filter(([, text]) => /[^\p{Letter}\p{Number}\s▁]/u.test(text));
    userDefined.set(tokenizer, tokens);
  }
  const ids = new Set(tokens.filter(([, text]) => template.includes(text)).map(([id]) => id));
  inTemplate.set(tokenizer, { template, ids });
  return ids;
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

/** A range of the chat, and which of its tokens are structure. */
interface Stretch extends Span {
  readonly isStructure: (piece: TokenPiece) => boolean;
}

/** Searches for the template's tokens where they are allowed and encodes the rest as text. */
function encodeApart(chat: ChatText, marks: ReadonlySet<number>, tokenizer: Tokenizer): TokenPiece[] {
  const { text } = chat;
  const pieces: TokenPiece[] = [];
  let from = 0;
  const asText = (to: number) => {
    const options = { addSpecial: false, parseSpecial: false, asText: marks };
    for (const piece of tokenizer.encodePieces(text.slice(from, to), options)) pieces.push(moved(piece, from));
  };
  for (const { start, end, isStructure } of stretches(chat, marks)) {
    for (const piece of tokenizer.encodePieces(text.slice(start, end), { addSpecial: false, parseSpecial: true })) {
      if (!isStructure(piece) || piece.range === null) continue;
      asText(start + piece.range[0]);
      pieces.push(moved(piece, start));
      from = start + piece.range[1];
    }
  }
  asText(text.length);
  return pieces;
}

/** Everything except user messages: the template's text and the models' text, in which special tokens stay text, too. */
function stretches({ text, written }: ChatText, marks: ReadonlySet<number>): Stretch[] {
  const found: Stretch[] = [];
  let from = 0;
  for (const { start, end, role } of [...written, { start: text.length, end: text.length, role: 'user' as const }]) {
    if (from < start)
      found.push({ start: from, end: start, isStructure: ({ id, special }) => special || marks.has(id) });
    if (role === 'assistant') found.push({ start, end, isStructure: ({ id, special }) => !special && marks.has(id) });
    from = end;
  }
  return found;
}

function moved(piece: TokenPiece, by: number): TokenPiece {
  return piece.range === null ? piece : { ...piece, range: [piece.range[0] + by, piece.range[1] + by] };
}
