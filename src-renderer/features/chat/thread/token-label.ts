import type { TokenDetails } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { ReplyToken } from '../state/reply.svelte.ts';

/** Label of a text of tokens, with its keys. @param what whose text it is: `the reply` */
export function tokensLabel(what: string): string {
  return `Tokens of ${what}. Use the arrow keys to move, with Shift to select, Enter to pin, B to branch, H for the draw.`;
}

/** Label of a token: its piece if known, else its text. */
export function tokenLabel(token: ReplyToken, details: TokenDetails | null): string {
  if (details !== null) return details.piece;
  return token.text === '' ? `token ${token.id}` : token.text;
}
