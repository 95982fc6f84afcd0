import { NO_TOKEN } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import type { Reply } from './reply.svelte.ts';

/** The beginning of a reply for the engine: a text that it tokenizes, then token ids. */
export interface ReplyPrefix {
  text: string;
  ids: number[];
}

/**
 * The first `end` tokens of a reply, as the ids that were generated. Tokenizing their text could give other ids.
 *
 * A reply that was continued may have ids that do not spell its text: the token that completed a stop string, or ids of
 * another model. Then the text before the last run comes first, which is what that run read.
 */
export async function prefixOf(reply: Reply, end: number, engine: Pick<EngineApi, 'call'>): Promise<ReplyPrefix> {
  const atOnce = prefixAtOnce(reply, end);
  if (atOnce !== null) return atOnce;
  const ids = reply.ids(0, end);
  const text = textUpTo(reply, end);
  if (areKnown(ids) && (await spells(ids, text, engine))) return { text: '', ids };
  const start = Math.min(reply.runStart, end);
  const ofLastRun = ids.slice(start);
  if (start > 0 && areKnown(ofLastRun)) return { text: textUpTo(reply, start), ids: ofLastRun };
  return { text, ids: [] };
}

/** As `prefixOf`, or null if only the engine knows. */
export function prefixAtOnce(reply: Reply, end: number): ReplyPrefix | null {
  const ids = reply.ids(0, end);
  return reply.runStart === 0 && areKnown(ids) ? { text: '', ids } : null;
}

function textUpTo(reply: Reply, end: number): string {
  return reply.slice(0, reply.startOf(end));
}

function areKnown(ids: readonly number[]): boolean {
  return !ids.includes(NO_TOKEN);
}

async function spells(ids: number[], text: string, engine: Pick<EngineApi, 'call'>): Promise<boolean> {
  const decoded = await engine.call('detokenize', { ids, skipSpecial: true });
  // The last token may be part of a character.
  return decoded.text.replace(/\ufffd+$/u, '').trimStart() === text.trimStart();
}
