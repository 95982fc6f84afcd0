import type { TokenDetails } from '../../../../src-main/protocol/chats/chat.ts';
import type { ReplyToken } from '../state/reply.svelte.ts';

/** What a token is called: its piece where that is known, else the text that it added. */
export function tokenLabel(token: ReplyToken, details: TokenDetails | null): string {
  if (details !== null) return details.piece;
  return token.text === '' ? `token ${token.id}` : token.text;
}
