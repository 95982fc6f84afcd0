/**
 * A chat as data: a tree of turns that only grows. Every turn names its parent; turns with the same parent are versions
 * of each other. A page shows one path, from a root to `head`.
 *
 * What changes a chat is a `ChatEvent`. Events are what the journal stores, what pages send and what pages receive, so
 * there is one way to change a chat (`apply-event.ts`). Applying an event twice changes nothing more.
 */
import type { EngineErrorCode } from '../../../engine/api/errors.ts';
import type {
  Candidate,
  ExecutorName,
  ReplyPart,
  SamplingParams,
  Stop,
  StopReason,
  Timings,
} from '../../../engine/api/types.ts';

/** What a chat is called and how it starts. */
export interface ChatFacts {
  title: string;
  /** The model that it was started with, and its name at that time; empty where that was not recorded. */
  modelId: string;
  modelName: string;
  /** Instructions before the first turn; empty: none. */
  systemPrompt: string;
  /** The last turn of the path that is shown; null: no turn yet. */
  head: string | null;
}

export interface StoredUserTurn {
  id: string;
  /** Null for the first turn. */
  parent: string | null;
  role: 'user';
  text: string;
  createdAt: string;
}

/**
 * One number per token of a reply, in columns, because a chat may hold 100,000 of them. All columns are of one length.
 */
export interface TokenColumns {
  /** `NO_TOKEN` for text that no model wrote (typed by hand) or whose tokens are not known any more. */
  ids: number[];
  /** UTF-16 units that the token adds to the text; 0 for part of a character. */
  lengths: number[];
  /** Index into `REPLY_PARTS`. */
  parts: number[];
  /** Natural log of the model's own probability. */
  logprobs: number[];
  /** Time from the previous token, ms. */
  latencies: number[];
}

/** Stands in `TokenColumns.ids` for a piece of text without a token; its logprob and latency are 0. */
export const NO_TOKEN = -1;

export const REPLY_PARTS = ['answer', 'reasoning', 'reasoning_mark'] as const satisfies readonly ReplyPart[];

/** Why a reply ended, as earlier versions stored it: a sentence instead of the values in it. */
export interface EarlierStop {
  reason: StopReason;
  detail: string;
  tokenId?: number;
  stopString?: string;
  errorCode?: EngineErrorCode;
}

export type StoredStop = Stop | EarlierStop;

export function isEarlierStop(stop: StoredStop): stop is EarlierStop {
  return 'detail' in stop;
}

/** What is known of a reply beside its text. */
export interface ReplyFacts {
  /** Null while the reply is running; a reply read back with null was interrupted. */
  stop: StoredStop | null;
  timings: Timings | null;
  seed: number;
  sampling: SamplingParams;
  /** Id and name of the model that wrote it; empty where that was not recorded. */
  modelId: string;
  model: string;
  /** Tokens in that model's vocabulary; 0 where that was not recorded. */
  vocabularySize: number;
  executor: ExecutorName;
  /** What a person should know about how the prompt was made. */
  notices: string[];
  /** Tokens of the prompt, BOS included, and those of the system prompt among them. */
  promptTokens: number;
  systemTokens: number;
  /** Messages that were left out of the prompt because the window was full. */
  droppedMessages: number;
  /** Tokens in the context window after the reply. */
  contextUsed: number;
  /** Index of the first token of the latest run: not 0 after Continue. */
  runStart: number;
}

export interface StoredReplyTurn {
  id: string;
  parent: string | null;
  role: 'assistant';
  createdAt: string;
  text: string;
  tokens: TokenColumns;
  facts: ReplyFacts;
}

export type StoredTurn = StoredUserTurn | StoredReplyTurn;

export interface StoredChat extends ChatFacts {
  id: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  updatedAt: string;
  /** Grows by one with every event, in every process that has the chat open. */
  revision: number;
  /** Every turn of every path; parents come before their children. */
  turns: StoredTurn[];
  /** Deleted turns, with all that follows them: hidden until `restore`. */
  removed: string[];
}

/** What else a token could have been, kept apart from the text and read on demand. */
export interface TokenDetails {
  piece: string;
  rank: number;
  sampledProbability: number;
  survivors: number;
  candidates: Candidate[];
}

/** Details of consecutive tokens of one reply. */
export interface DetailsChunk {
  turn: string;
  /** Index of the first token. */
  from: number;
  details: TokenDetails[];
}

/** `count` tokens of a reply from index `from`; at most 1,024. */
export interface ChatDetailsRange {
  id: string;
  turn: string;
  from: number;
  count: number;
}

export type ChatChange =
  | { type: 'facts'; facts: Partial<ChatFacts> }
  /** A new turn. A reply starts without text. */
  | { type: 'turn'; turn: StoredUserTurn | Omit<StoredReplyTurn, 'text' | 'tokens'> }
  /** Tokens at the end of a reply. Those that it already has are passed over. */
  | { type: 'tokens'; turn: string; from: number; text: string; tokens: TokenColumns }
  | { type: 'reply'; turn: string; facts: Partial<ReplyFacts> }
  | { type: 'remove'; turn: string }
  | { type: 'restore'; turn: string };

/** `at`: ISO 8601, UTC; becomes the chat's `updatedAt`. */
export type ChatEvent = ChatChange & { at: string };

export interface ChatSummary {
  id: string;
  title: string;
  createdAt: string;
  updatedAt: string;
  /** Of all paths, without deleted ones. */
  turns: number;
}

export interface ChatWrite {
  id: string;
  /** The revision that the events are based on; 0 creates the chat if it does not exist. */
  base: number;
  /** Who writes: a page's own id, so that it can tell its events from those of others. */
  origin: string;
  /** At most `MAX_EVENTS_PER_WRITE`. */
  events: ChatEvent[];
  /** Of tokens in `events`, or of earlier ones. At most `MAX_DETAILS_PER_CHUNK` tokens each. */
  details: DetailsChunk[];
}

export const MAX_EVENTS_PER_WRITE = 1000;
export const MAX_DETAILS_PER_CHUNK = 4096;

export interface ChatWritten {
  /** After the write. */
  revision: number;
  /** What others wrote since `base`, oldest first; null: too long ago, read the chat again. */
  missed: ChatEvent[] | null;
}

/** Everything after a revision. */
export interface ChatUpdate {
  /** After the events. Take it from here instead of counting: a damaged line counts too. */
  revision: number;
  events: ChatEvent[];
}

/** Somebody wrote. Pages that have the chat open at revision `from` apply the events; others ask for the difference. */
export interface ChatNews extends ChatUpdate {
  type: 'chat';
  id: string;
  from: number;
  /** Who wrote; empty: another process. */
  origin: string;
  summary: ChatSummary;
}
