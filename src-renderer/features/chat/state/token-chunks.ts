import type { TokenColumns, TokenDetails } from '../../../../src-main/protocol/app/chats/chat.ts';

/** Consecutive tokens of a reply with their text, and details if there are any. */
export interface AddedTokens {
  from: number;
  text: string;
  tokens: TokenColumns;
  details: TokenDetails[];
}

/** Splits tokens into chunks of at most `size`. */
export function tokensIn(added: AddedTokens, size: number): AddedTokens[] {
  const { ids, lengths, parts, logprobs, latencies } = added.tokens;
  if (ids.length <= size) return [added];
  const chunks: AddedTokens[] = [];
  let at = 0;
  for (let first = 0; first < ids.length; first += size) {
    const end = Math.min(first + size, ids.length);
    const length = lengths.slice(first, end).reduce((sum, units) => sum + units, 0);
    chunks.push({
      from: added.from + first,
      text: added.text.slice(at, at + length),
      tokens: {
        ids: ids.slice(first, end),
        lengths: lengths.slice(first, end),
        parts: parts.slice(first, end),
        logprobs: logprobs.slice(first, end),
        latencies: latencies.slice(first, end),
      },
      details: added.details.slice(first, end),
    });
    at += length;
  }
  return chunks;
}
