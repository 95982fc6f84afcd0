import type { GeneratedToken } from '../../../src-main/engine/types.ts';
import type { EngineApi } from '../../../src-main/protocol/api.ts';
import { NO_TOKEN } from '../../../src-main/protocol/chats/chat.ts';
import type { Reply } from './reply.svelte.ts';

/**
 * What stands between a reply and the first token that continues it: mostly a space, or nothing before a comma. Only
 * the tokenizer knows, so it decodes the last token with the new one.
 */
export async function glueBefore(token: GeneratedToken, before: Reply, engine: EngineApi): Promise<string> {
  const last = before.count === 0 ? null : before.token(before.count - 1);
  if (last === null || last.id === NO_TOKEN) return '';
  const decode = async (ids: number[]) => (await engine.call('detokenize', { ids, skipSpecial: true })).text;
  const [alone, both] = await Promise.all([decode([last.id]), decode([last.id, token.id])]);
  if (!both.startsWith(alone) || !both.endsWith(token.text)) return '';
  return both.slice(alone.length, both.length - token.text.length);
}
