/**
 * What the app does beside the engine: settings, chats, models, versions. One interface, implemented over IPC
 * (Electron) and over authenticated HTTP (web host), on the same files in the user's data folder.
 */
import type {
  GeneratedToken,
  GenerateStart,
  ModelInfo,
  PromptSegment,
  SamplingParams,
  Stop,
  StopParams,
  Timings,
} from '../engine/types.ts';

export type ThemeSetting = 'system' | 'light' | 'dark' | 'contrast';

export interface Settings {
  theme: ThemeSetting;
  sampling: SamplingParams;
  stop: StopParams;
  useKvCache: boolean;
  /** What happens when a chat no longer fits the context window. */
  whenFull: 'stop' | 'drop_oldest';
  /** Keep the seed of the last reply instead of drawing a new one. */
  holdSeed: boolean;
  /** Show replies as tinted tokens instead of plain text. */
  tokensView: boolean;
  panel: { open: boolean; tab: 'sampling' | 'stop' | 'context' | 'rate' };
  /** Last chat that was open; null: a new chat. */
  lastChatId: string | null;
}

/** A token as a chat keeps it: enough to tint it and to show what else it could have been. */
export type StoredToken = GeneratedToken;

/** One answer to a user's turn. Regenerating adds a version; earlier ones stay. */
export interface ReplyVersion {
  text: string;
  tokens: StoredToken[];
  /** Null while the reply is running; a chat restored with null here was interrupted. */
  stop: Stop | null;
  timings: Timings | null;
  seed: number;
  sampling: SamplingParams;
  /** Name of the model that wrote it; empty where that was not recorded. */
  model: string;
  executor: GenerateStart['executor'];
  segments: PromptSegment[];
  promptTokens: number;
  contextUsed: number;
  createdAt: string;
}

export type Turn =
  | { id: string; role: 'user'; text: string; createdAt: string }
  | { id: string; role: 'assistant'; versions: ReplyVersion[]; active: number };

export interface Chat {
  id: string;
  title: string;
  /** The model it was begun with, and its name at that time; empty where that was not recorded. */
  modelId: string;
  modelName: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  updatedAt: string;
  turns: Turn[];
}

export interface ChatSummary {
  id: string;
  title: string;
  createdAt: string;
  updatedAt: string;
  turns: number;
}

export interface AboutInfo {
  name: string;
  version: string;
  host: 'electron' | 'web';
  /** Electron's, Chromium's and Node's versions where they apply. */
  versions: Record<string, string>;
  /** Why this is not the Electron version that package.json pins; null when it is. */
  runtimeNote: string | null;
  license: string;
  /** Where chats and settings lie. */
  dataFolder: string;
}

/** A model that the app knows; facts come from the engine once it is loaded. */
export interface ModelListing {
  id: string;
  name: string;
  builtIn: boolean;
  /** Of all its files; 0 where they cannot be read. */
  fileBytes: number;
  /** Where a model lies that a person opened; null for the built-in one and for files that a browser lent. */
  path: string | null;
  /** What is known beside what the engine reads from the files; null for opened models. */
  description: string | null;
  cannot: string | null;
  license: string | null;
  /** Why it cannot be loaded, for example because its file is gone; null when it can. */
  problem: string | null;
}

/** Bytes of this computer's memory. */
export interface SystemMemory {
  /** What a program can still get without others being pushed out. */
  freeBytes: number;
  totalBytes: number;
}

export interface NetworkRecord {
  at: string;
  url: string;
  /** Who asked for it; requests nobody asked for are refused and say so. */
  result: 'refused' | 'done' | 'failed';
  bytes: number;
}

/** Calls with one answer; the params are a tuple. */
export interface AppMethods {
  about: { params: []; result: AboutInfo };
  settingsGet: { params: []; result: Settings };
  /** Merges top-level keys and answers with the whole. */
  settingsSet: { params: [Partial<Settings>]; result: Settings };
  chatsList: { params: []; result: ChatSummary[] };
  chatGet: { params: [string]; result: Chat | null };
  /** Atomic; creates or replaces. */
  chatSave: { params: [Chat]; result: null };
  chatDelete: { params: [string]; result: null };
  /** Searches titles and texts, case-insensitively. */
  chatsSearch: { params: [string]; result: ChatSummary[] };
  /** The built-in model, then those that a person opened, newest first. */
  modelsList: { params: []; result: ModelListing[] };
  /**
   * Lets a person choose a model's file in the system's dialog; null when nothing was chosen. Remembered by reference,
   * never copied. In the browser the page itself does this.
   */
  modelOpen: { params: []; result: ModelListing | null };
  /** Forgets an opened model; its files stay. */
  modelRemove: { params: [string]; result: null };
  systemMemory: { params: []; result: SystemMemory };
  networkLog: { params: []; result: NetworkRecord[] };
  /** Https only, only on a person's click, in the system browser. */
  openExternal: { params: [string]; result: null };
  /** Ends and restarts the engine's process; for a person whose engine hangs. */
  engineRestart: { params: []; result: null };
}

export type AppMethodName = keyof AppMethods;

/** What an app tells its page unasked. */
export type AppEvent =
  | { type: 'engine'; state: 'starting' | 'ready' | 'lost'; message: string | null }
  | { type: 'settings'; settings: Settings }
  | { type: 'chats' }
  /**
   * Why this instance reads but does not write (another one holds the data folder, or nobody can write there);
   * null: it writes again.
   */
  | { type: 'readOnly'; message: string | null }
  /** Something happened that a person should know: a damaged file was put aside, the page had to be reloaded. */
  | { type: 'notice'; message: string };

export interface AppServices {
  invoke<M extends AppMethodName>(method: M, ...params: AppMethods[M]['params']): Promise<AppMethods[M]['result']>;
  onEvent(listener: (event: AppEvent) => void): () => void;
}

export type { ModelInfo };
