import type { ChatMessage, FileHash, PromptInput, RunConditions } from '../../../../src-main/engine/api/types.ts';
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
  const run = recordedRun(reply);
  if (typeof run === 'string') return run;
  const { whenFull, template, enableThinking, chosen } = run;
  const { runStart } = reply;
  const givenFrom = runStart - (chosen?.idsBefore ?? 0);
  const replyIds = reply.ids(givenFrom, runStart);
  if (replyIds.some((id) => id < 0)) return DAMAGED;
  return runWith(reply, run, {
    kind: 'chat',
    messages: messagesOf(chat, reply, run, givenFrom),
    whenFull,
    template,
    ...(enableThinking === null ? {} : { enableThinking }),
    ...(replyIds.length === 0 ? {} : { replyIds }),
  });
}

const DAMAGED = 'Some of its tokens are missing, because the chat file was damaged.';

/** What was recorded of a reply's latest run; or the reason, for people, why there is nothing. */
export function recordedRun(reply: Reply): ReplyRun | string {
  const { run } = reply.facts;
  if (run === undefined) {
    return 'This reply is from an earlier version of Tokenscope, which did not record its settings.';
  }
  if (run === null) return 'The last attempt to continue this reply failed before its first token.';
  return reply.ids(reply.runStart, reply.count).some((id) => id < 0) ? DAMAGED : run;
}

/** A recorded run with its prompt. */
export function runWith(reply: Reply, run: ReplyRun, prompt: PromptInput): StoredRun {
  const { sampling, seed } = reply.facts;
  const { requestedAt, stop, useKvCache, continues, chosen } = run;
  const { runStart, count } = reply;
  const ids = reply.ids(runStart, count);
  const tokens = ids.length;
  const ended = reply.stop;
  return {
    requestedAt,
    request: {
      prompt,
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
