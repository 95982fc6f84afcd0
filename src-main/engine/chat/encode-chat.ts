import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { TokenPiece } from '../api/types.ts';
import type { ChatText, Span } from './chat-text.ts';

/**
 * Tokenizes a chat. Special tokens are only parsed in the template's own text; in a message they stay text. In a user's
 * message that also applies to other tokens of the template, such as `<think>`, which are otherwise found in every text.
 * Apart from that the ids are those of the whole text.
 *
 * There is one BOS: from the template, or else from the tokenizer if it adds one to every text.
 */
export function encodeChat({ text, written, template }: ChatText, tokenizer: Tokenizer): TokenPiece[] {
  if (template === null) return tokenizer.encodePieces(text);
  const marks = userDefinedIn(template, tokenizer);
  const byPeople = written.filter(({ role }) => role !== 'assistant');
  const staysText = (id: number, start: number, end: number) =>
    (tokenizer.isSpecial(id) && overlaps(start, end, written)) || (marks.has(id) && overlaps(start, end, byPeople));
  const pieces = tokenizer.encodePieces(text, { addSpecial: false, parseSpecial: true, staysText });
  const [first] = tokenizer.encodePieces('', { addSpecial: true });
  const addsBos = first !== undefined && first.id === tokenizer.bosTokenId;
  return addsBos && pieces[0]?.id !== first.id ? [first, ...pieces] : pieces;
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

/** @param spans sorted and disjoint */
function overlaps(from: number, to: number, spans: readonly Span[]): boolean {
  let [low, high] = [0, spans.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle].end > from) high = middle;
    else low = middle + 1;
  }
  return low < spans.length && spans[low].start < to;
}
