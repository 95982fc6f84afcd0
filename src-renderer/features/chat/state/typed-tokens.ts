import { NO_TOKEN, REPLY_PARTS, type TokenColumns } from '../../../../src-main/protocol/app/chats/chat.ts';
import { appendColumns, noTokens } from '../../../../src-main/protocol/app/chats/token-columns.ts';
import { cutText } from '../../../../src-main/protocol/cut-text.ts';
import type { Reply } from './reply.svelte.ts';

/** Maximum length of a piece, UTF-16 units: short enough to break lines and blocks at. */
const MAX_PIECE = 256;
const ANSWER = REPLY_PARTS.indexOf('answer');

/** Text that no model generated, as columns: pieces that end at line ends or between words, without token ids. */
export function typedTokens(text: string): TokenColumns {
  const columns = noTokens();
  for (let from = 0; from < text.length;) {
    const length = pieceLength(text, from);
    columns.ids.push(NO_TOKEN);
    columns.lengths.push(length);
    columns.parts.push(ANSWER);
    columns.logprobs.push(0);
    columns.latencies.push(0);
    from += length;
  }
  return columns;
}

function pieceLength(text: string, from: number): number {
  // Searching the rest of the text for each piece would take minutes with a line of megabytes.
  const piece = text.slice(from, from + MAX_PIECE + 1);
  const line = piece.indexOf('\n');
  if (line >= 0 && line < MAX_PIECE) return line + 1;
  if (piece.length <= MAX_PIECE) return piece.length;
  const space = piece.lastIndexOf(' ');
  return space > 0 ? space : cutText(piece, MAX_PIECE).length;
}

/** Offset of the part of a reply that a person can edit: the text after its reasoning. UTF-16 units. */
export function editableFrom(reply: Reply): number {
  void reply.count;
  const last = reply.columns.parts.findLastIndex((part) => part !== ANSWER);
  return reply.startOf(last + 1);
}

/** A reply with another text after `editableFrom`. Tokens up to the first difference are kept. */
export function editedReply(reply: Reply, text: string): { text: string; tokens: TokenColumns; index: number } {
  const from = editableFrom(reply);
  const before = reply.text;
  const after = before.slice(0, from) + text;
  let same = 0;
  while (same < before.length && before.charCodeAt(same) === after.charCodeAt(same)) same++;
  let index = 0;
  while (index < reply.count && reply.startOf(index + 1) <= same) index++;
  // Tokens without text may be the first bytes of a character that is replaced.
  while (index > 0 && reply.startOf(index) === reply.startOf(index - 1)) index--;
  const tokens = reply.copyColumns(0, index);
  appendColumns(tokens, typedTokens(after.slice(reply.startOf(index))));
  return { text: after, tokens, index };
}
