import type { TokenDetails } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { ReplyToken } from '../state/reply.svelte.ts';

/** Label of a token: its piece if known, else its text. */
export function tokenLabel(token: ReplyToken, details: TokenDetails | null): string {
  if (details !== null) return details.piece;
  return token.text === '' ? `token ${token.id}` : token.text;
}
