import type { GeneratedToken } from '../../../src-main/engine/types.ts';
import type { EngineApi } from '../../../src-main/protocol/api.ts';

/**
 * What stands between a reply and the first token that continues it: mostly a space, or nothing before a comma. Only
 * the tokenizer knows, so it decodes the last token with the new one.
 */
export async function glueBefore(
  token: GeneratedToken,
  before: readonly GeneratedToken[],
  engine: EngineApi,
): Promise<string> {
  const last = before.at(-1);
  if (last === undefined) return '';
  const decode = async (ids: number[]) => (await engine.call('detokenize', { ids, skipSpecial: true })).text;
  const [alone, both] = await Promise.all([decode([last.id]), decode([last.id, token.id])]);
  if (!both.startsWith(alone) || !both.endsWith(token.text)) return '';
  return both.slice(alone.length, both.length - token.text.length);
}
