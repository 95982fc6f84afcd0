import type { ChatMessage, FileHash, RunConditions } from '../../../../src-main/engine/api/types.ts';
import type { ReplyRun } from '../../../../src-main/protocol/app/chats/chat.ts';
import { isEarlierStop } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { RecordedReply } from '../../../../src-main/protocol/engine/receipt/repeat-reply.ts';
import type { ChatDocument } from '../state/chat-document.svelte.ts';
import type { Reply } from '../state/reply.svelte.ts';

/** The latest run of a stored reply, with its request. */
export interface StoredRun extends RecordedReply {
  architecture: string;
  /** Null if they were not hashed. */
  files: FileHash[] | null;
  conditions: RunConditions;
}

/** What repeats a reply; or the reason, for people, why it cannot be repeated. */
export function storedRun(chat: ChatDocument, reply: Reply): StoredRun | string {
  const { run, sampling, seed } = reply.facts;
  if (run === undefined) {
    return 'This reply is from an earlier version of Tokenscope, which did not record its settings.';
  }
  if (run === null) return 'The last attempt to continue this reply failed before its first token.';
  const { requestedAt, whenFull, template, enableThinking, stop, useKvCache, continues, chosen } = run;
  const { runStart, count } = reply;
  const givenFrom = runStart - (chosen?.idsBefore ?? 0);
  const replyIds = reply.ids(givenFrom, runStart);
  const ids = reply.ids(runStart, count);
  if ([...replyIds, ...ids].some((id) => id < 0))
    return 'Some of its tokens are missing, because the chat file was damaged.';
  const tokens = ids.length;
  const ended = reply.stop;
  return {
    requestedAt,
    request: {
      prompt: {
        kind: 'chat',
        messages: messagesOf(chat, reply, run, givenFrom),
        whenFull,
        template,
        ...(enableThinking === null ? {} : { enableThinking }),
        ...(replyIds.length === 0 ? {} : { replyIds }),
      },
      sampling: { ...sampling, seed },
      stop,
      useKvCache,
      ...(continues === null ? {} : { continues }),
      ...(chosen === undefined ? {} : { firstToken: chosen.id }),
    },
    promptDigest: run.promptDigest,
    reply: {
      ids,
      text: reply.slice(reply.startOf(runStart), reply.length),
      // Null if the app was closed during the reply.
      stop: ended === null || isEarlierStop(ended) ? { reason: 'user', tokens } : ended,
    },
    architecture: run.architecture,
    files: run.files,
    conditions: run.conditions,
  };
}

/** @param end tokens of the reply before this one are part of the messages, as text */
function messagesOf(chat: ChatDocument, reply: Reply, { systemPrompt }: ReplyRun, end: number): ChatMessage[] {
  const system: ChatMessage[] = systemPrompt === '' ? [] : [{ role: 'system', text: systemPrompt }];
  const said = chat.messages(reply).flatMap(({ message, turn }) => (turn === null ? [] : [message]));
  const before = reply.slice(0, reply.startOf(end));
  return [...system, ...said, ...(before === '' ? [] : [{ role: 'assistant' as const, text: before }])];
}
