/**
 * A chat as data: a tree of turns that only grows. Every turn names its parent; turns with the same parent are versions
 * of each other. A page shows one path, from a root to `head`.
 *
 * A `ChatEvent` changes a chat. Events are stored in the journal, sent by pages and received by pages, so there is one
 * way to change a chat (`apply-event.ts`). Applying an event again has no effect.
 */
import type { EngineErrorCode } from '../../../engine/api/errors.ts';
import type {
  Candidate,
  ChatTemplateChoice,
  Continues,
  ExecutorName,
  FileHash,
  ReplyPart,
  RunConditions,
  SamplingParams,
  Stop,
  StopParams,
  StopReason,
  Timings,
  WhenFull,
} from '../../../engine/api/types.ts';

/** Title and start of a chat. */
export interface ChatFacts {
  title: string;
  /** The model that it was started with, and its name at that time; empty if it was not recorded. */
  modelId: string;
  modelName: string;
  /** Instructions before the first turn; empty for none. */
  systemPrompt: string;
  /** The last turn of the shown path; null if there is none yet. */
  head: string | null;
  /** Listed before all others. */
  pinned: boolean;
  /** Name of the folder that lists it; empty for none. */
  folder: string;
  /** What happens when the context window is full. Absent: as in the settings. */
  whenFull?: WhenFull;
  /** Its own sampling and stop settings; null: it has those of the model. */
  settings: ChatSettings | null;
}

/** Settings of one chat with whichever model is loaded. An absent value is the model's default. */
export interface ChatSettings {
  sampling: Partial<SamplingParams>;
  stop: Partial<StopParams>;
}

/** Length of a folder's name, UTF-16 units. */
export const MAX_FOLDER = 80;

/** Facts of a new chat. */
export const NO_FACTS: Readonly<ChatFacts> = {
  title: '',
  modelId: '',
  modelName: '',
  systemPrompt: '',
  head: null,
  pinned: false,
  folder: '',
  settings: null,
};

/** The facts of a chat, without the rest of it. */
export function factsOf(chat: ChatFacts): ChatFacts {
  const { title, modelId, modelName, systemPrompt, head, pinned, folder, settings, whenFull } = chat;
  const facts = { title, modelId, modelName, systemPrompt, head, pinned, folder, settings };
  return whenFull === undefined ? facts : { ...facts, whenFull };
}

export interface StoredUserTurn {
  id: string;
  /** Null for the first turn. */
  parent: string | null;
  role: 'user';
  /** All that the model reads of the message, with the text of its files. */
  text: string;
  createdAt: string;
  /** The files in the text, in its order; absent if there are none. */
  attachments?: Attachment[];
}

/** A file in a message: a block of the message's text. */
export interface Attachment {
  /** Of the file. */
  name: string;
  kind: AttachmentKind;
  /** Size of the file. */
  bytes: number;
  /** The block in the message's text, with its heading; UTF-16 units. */
  start: number;
  end: number;
  /** What was changed when the file was read, for people. */
  notes: string[];
}

export const ATTACHMENT_KINDS = ['text', 'markdown', 'code', 'csv', 'pdf'] as const;
export type AttachmentKind = (typeof ATTACHMENT_KINDS)[number];

export const MAX_ATTACHMENTS = 20;

/** One number per token of a reply, in columns of equal length, because a chat may have 100,000 of them. */
export interface TokenColumns {
  /** `NO_TOKEN` for text that no model generated (typed by hand) or whose tokens are no longer known. */
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

/** In `TokenColumns.ids`, marks a piece of text without a token; its logprob and latency are 0. */
export const NO_TOKEN = -1;

export const REPLY_PARTS = ['answer', 'reasoning', 'reasoning_mark'] as const satisfies readonly ReplyPart[];

/** The stop reason as earlier versions stored it: a sentence instead of values. */
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

/**
 * What it takes to repeat a reply's latest run, in addition to its sampling settings and seed. The messages are the turns
 * before it and its own earlier text; `promptDigest` shows whether they still give the same prompt (decision 21).
 */
export interface ReplyRun {
  /** ISO 8601, UTC. */
  requestedAt: string;
  systemPrompt: string;
  whenFull: WhenFull;
  template: ChatTemplateChoice;
  /** Null: up to the template. */
  enableThinking: boolean | null;
  /** With the resolved repetition window. */
  stop: StopParams;
  useKvCache: boolean;
  /** Null if the run started the reply. */
  continues: Continues | null;
  /** Of a run that began with a token that a person chose; absent otherwise. */
  chosen?: ChosenToken;
  /** SHA-256 of the prompt's ids (`idsDigest`). */
  promptDigest: string;
  architecture: string;
  /** The model's files; null until they have been hashed. */
  files: FileHash[] | null;
  conditions: RunConditions;
}

/** The first token of a run in a branch. */
export interface ChosenToken {
  id: number;
  /** How many of the tokens before it the request had as ids. The text of earlier ones was tokenized again. */
  idsBefore: number;
}

/** Facts about a reply apart from its text. */
export interface ReplyFacts {
  /** Null while the reply is running; a reply read back with null was interrupted. */
  stop: StoredStop | null;
  timings: Timings | null;
  seed: number;
  sampling: SamplingParams;
  /** Id and name of the model that generated it; empty if not recorded. */
  modelId: string;
  model: string;
  /** Size of that model's vocabulary; 0 if not recorded. */
  vocabularySize: number;
  executor: ExecutorName;
  /** What people should know about how the prompt was made. */
  notices: string[];
  /** Tokens of the prompt, with BOS, and those of them in the system prompt. */
  promptTokens: number;
  systemTokens: number;
  /** Messages that were dropped from the prompt because the window was full. */
  droppedMessages: number;
  /** Tokens in the context window after the reply. */
  contextUsed: number;
  /** Index of the first token of the latest run: not 0 after Continue, or in a branch. */
  runStart: number;
  /** Null until the run has started; absent in chats of earlier versions. */
  run?: ReplyRun | null;
  /** Each time that the latest run dropped the oldest tokens of the full window, oldest first. Absent if it never did. */
  shifts?: ContextShift[];
  /** Where it branched from another version: the tokens before are that version's. Absent if it did not. */
  branch?: BranchPoint;
  /** A person wrote the text from a token on. Absent if the model wrote all of it. */
  edit?: EditPoint;
}

/** The oldest tokens were dropped from the full window during a reply (`whenFull: 'shift'`). */
export interface ContextShift {
  /** Index of the first token of the reply that was generated without them. */
  at: number;
  /** Tokens that this run has dropped so far, and those of them that it had generated itself. */
  tokens: number;
  ofReply: number;
  /** Messages of which nothing is left in the window, with those that were not in the prompt. */
  messages: number;
}

export interface EditPoint {
  /** The version that was edited, which has the tokens before `index`; null for a reply written from scratch. */
  turn: string | null;
  index: number;
}

/** Facts of a reply that has not started. */
export function newReplyFacts(known: Pick<ReplyFacts, 'sampling' | 'executor'> & Partial<ReplyFacts>): ReplyFacts {
  return {
    stop: null,
    timings: null,
    seed: 0,
    modelId: '',
    model: '',
    vocabularySize: 0,
    notices: [],
    promptTokens: 0,
    systemTokens: 0,
    droppedMessages: 0,
    contextUsed: 0,
    runStart: 0,
    ...known,
  };
}

/** A token of a reply, in whose place another one was chosen. */
export interface BranchPoint {
  turn: string;
  index: number;
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
  /** Increases by one with every event, in every process that has the chat open. */
  revision: number;
  /** Every turn of every path; parents come before their children. */
  turns: StoredTurn[];
  /** Deleted turns with their descendants: hidden until `restore`. */
  removed: string[];
  /** Of a notebook: the updates that make its text (`notebook.ts`). Absent: it is a chat. */
  updates?: string[];
}

/** Alternatives to a token, stored separately from the text and read on demand. */
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
  /** Appends tokens to a reply. Those that it already has are skipped. */
  | { type: 'tokens'; turn: string; from: number; text: string; tokens: TokenColumns }
  | { type: 'reply'; turn: string; facts: Partial<ReplyFacts> }
  /** Changes the text of a notebook: a Yjs update, Base64. Its generated parts are the replies. */
  | { type: 'update'; update: string }
  | { type: 'remove'; turn: string }
  | { type: 'restore'; turn: string };

/** `at`: ISO 8601, UTC; becomes the chat's `updatedAt`. */
export type ChatEvent = ChatChange & { at: string };

export interface ChatSummary extends Pick<ChatFacts, 'title' | 'pinned' | 'folder'> {
  id: string;
  createdAt: string;
  updatedAt: string;
  /** Of all paths, without deleted ones. */
  turns: number;
  /** Ends of its paths, without deleted ones. Absent: at most one, or not counted yet. */
  branches?: number;
  /** It is a notebook. Absent: it is a chat. */
  notebook?: true;
}

/** A chat that contains a text. */
export interface FoundChat extends ChatSummary {
  /** The first message with the text, in lower case; null if its title has it. */
  hit: SearchHit | null;
}

/** A search result, to read it as it was written. */
export interface HitRequest {
  id: string;
  turn: string;
  query: string;
}

/** Where a text was found: the text itself, and what is before and after it. */
export interface SearchHit {
  turn: string;
  before: string;
  match: string;
  after: string;
}

export interface ChatWrite {
  id: string;
  /** The revision that the events are based on; 0 creates the chat if it does not exist. */
  base: number;
  /** Id of the writing page, so that it can recognise its own events. */
  origin: string;
  /** At most `MAX_EVENTS_PER_WRITE`. */
  events: ChatEvent[];
  /** Of tokens in `events`, or of earlier ones. At most `MAX_DETAILS_PER_CHUNK` tokens each. */
  details: DetailsChunk[];
}

export const MAX_EVENTS_PER_WRITE = 1000;
export const MAX_DETAILS_PER_CHUNK = 4096;
/**
 * Tokens per event when a long reply is written, so that a request stays small: as many as one chunk of details describes.
 * Events with more are accepted.
 */
export const TOKENS_PER_EVENT = MAX_DETAILS_PER_CHUNK;

export interface ChatWritten {
  /** After the write. */
  revision: number;
  /** What others wrote since `base`, oldest first; null: too long ago, read the chat again. */
  missed: ChatEvent[] | null;
}

/** Everything after a revision. */
export interface ChatUpdate {
  /** After the events. Use it instead of counting: a damaged line counts too. */
  revision: number;
  events: ChatEvent[];
}

/**
 * A write to a chat. Pages that have the chat open at revision `from` apply the events; others request the difference.
 */
export interface ChatNews extends ChatUpdate {
  type: 'chat';
  id: string;
  from: number;
  /** Id of the writing page; empty for another process. */
  origin: string;
  summary: ChatSummary;
}
