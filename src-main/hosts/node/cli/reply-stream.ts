import type { GenerateEnd, GenerateParams, GenerateStart, GeneratedToken } from '../../../engine/api/types.ts';
import type { EngineClient } from '../../../protocol/engine/client.ts';

/** Result of a printed reply. */
export interface WrittenReply {
  start: GenerateStart;
  tokens: GeneratedToken[];
  end: GenerateEnd;
  /** Notices that came during the reply, for people. */
  notices: string[];
}

/**
 * Prints a reply.
 * @param show receives each token, and the start event before the first
 */
export async function streamReply(
  client: EngineClient,
  params: GenerateParams,
  signal: AbortSignal,
  show: { start?: (start: GenerateStart) => Promise<void>; token?: (token: GeneratedToken) => Promise<void> } = {},
): Promise<WrittenReply> {
  let start: GenerateStart | null = null;
  let end: GenerateEnd | null = null;
  const tokens: GeneratedToken[] = [];
  const notices: string[] = [];
  for await (const event of client.stream('generate', params, { signal })) {
    if (event.type === 'start') {
      start = event;
      await show.start?.(event);
    } else if (event.type === 'end') end = event;
    else if (event.type === 'moved') notices.push(event.notice);
    else if (event.type === 'token') {
      tokens.push(event.token);
      await show.token?.(event.token);
    }
  }
  if (start === null || end === null) throw new Error('The reply ended without an end event.');
  return { start, tokens, end, notices };
}

/** The joined texts of all tokens of a part. */
export function textOf(tokens: readonly GeneratedToken[], part: GeneratedToken['part']): string {
  return tokens.map((token) => (token.part === part ? token.text : '')).join('');
}
