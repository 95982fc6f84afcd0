/**
 * What the app does beside the engine: settings, chats, models, versions. One interface, implemented over IPC
 * (Electron) and over authenticated HTTP (web host), on the same files in the user's data folder.
 */
import type {
  ChatTemplateChoice,
  GenerateStart,
  ModelInfo,
  SamplingParams,
  StopParams,
  WhenFull,
} from '../../engine/api/types.ts';
import type {
  ChatDetailsRange,
  ChatNews,
  ChatSummary,
  ChatUpdate,
  ChatWrite,
  ChatWritten,
  StoredChat,
  TokenDetails,
} from './chats/chat.ts';

export type ThemeSetting = 'system' | 'light' | 'dark' | 'contrast';

export interface Settings {
  theme: ThemeSetting;
  /** By the model's id; a model that is not here has `defaultModelSettings`. */
  perModel: Record<string, ModelSettings>;
  useKvCache: boolean;
  /** What happens when a chat no longer fits the context window. */
  whenFull: WhenFull;
  /** Show replies as tinted tokens instead of plain text. */
  tokensView: boolean;
  panel: { open: boolean; tab: 'sampling' | 'stop' | 'prompt' | 'context' | 'rate' };
  /** Last chat that was open; null: a new chat. */
  lastChatId: string | null;
  /** Model that is loaded at start; null: the built-in one. */
  lastModelId: string | null;
  downloads: DownloadSettings;
}

/** How a person's downloads get out. */
export interface DownloadSettings {
  /** `http://[user:password@]host:port`; null: what the environment says (`HTTPS_PROXY`, `NO_PROXY`). */
  proxy: string | null;
  /** Address that stands in for the catalogue's hub, for example a mirror in the same network; null: the hub itself. */
  mirror: string | null;
}

/**
 * What a person chose for one model. A value that is left out follows what the model's file recommends
 * (`ModelInfo.samplingDefaults`), and the app's default where it says nothing.
 */
export interface ModelSettings {
  sampling: Partial<SamplingParams>;
  stop: Partial<StopParams>;
  /** How a chat becomes one text; `custom` is the source in `drafts`. */
  template: ChatTemplateChoice['kind'];
  /** Whether the model may reason before it answers; null: as its template has it. */
  enableThinking: boolean | null;
  /** Tokens of prompt and reply that it is loaded for; null: what the app takes by itself. */
  contextSize: number | null;
  /** What was written and is kept while something else is chosen. */
  drafts: { template: string; gbnf: string; json_schema: string };
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

/** Where the library has a model from. `lent`: a browser lent its files to this page, until it is closed. */
export type ModelSource =
  'builtin' | 'file' | 'folder' | 'download' | 'huggingface-cache' | 'ollama' | 'lmstudio' | 'lent';

/** A speed that was measured on this computer with a model, tokens per second. */
export interface MeasuredRate {
  executor: GenerateStart['executor'];
  threads: number;
  prefillTokensPerSecond: number | null;
  decodeTokensPerSecond: number | null;
  at: string;
}

/** A model that the app knows; facts come from the engine once it is loaded. */
export interface ModelListing {
  id: string;
  name: string;
  builtIn: boolean;
  source: ModelSource;
  /** Of all its files; 0 where they cannot be read. */
  fileBytes: number;
  /** Where a model lies that a person opened; null for the built-in one and for files that a browser lent. */
  path: string | null;
  /** What is known beside what the engine reads from the files; null for opened models. */
  description: string | null;
  cannot: string | null;
  license: string | null;
  /** `missing`: its file is gone. `changed`: another file lies there than the one that was added; it can be loaded. */
  state: 'ok' | 'missing' | 'changed';
  /** What `missing` or `changed` means here and what to do, for a person; null when all is well. */
  stateText: string | null;
  /** Why it cannot be loaded, for example because its file is gone; null when it can. */
  problem: string | null;
  /** Its entry of the catalogue; null for what a person added. */
  catalogueId: string | null;
  /** SHA-256 of its one file as far as it was ever computed here. */
  sha256: string | null;
  /** ISO 8601, UTC; null for the built-in model and lent files. */
  addedAt: string | null;
  lastUsedAt: string | null;
  /** The latest of each executor and number of threads. */
  measured: MeasuredRate[];
}

/** What `modelVerify` found. */
export interface ModelVerification {
  sha256: string;
  /** What it should be; null when nobody ever said, and the hash is recorded now. */
  expected: string | null;
  /** Who says so. */
  expectedFrom: 'catalogue' | 'recorded' | null;
  /** Null when there was nothing to compare with. */
  matches: boolean | null;
  /** The result in words. */
  text: string;
}

/** A model in another program's folder on this computer, offered, never changed. */
export interface FoundModel {
  /** Stands for it in `modelAddFound`. */
  id: string;
  source: 'huggingface-cache' | 'ollama' | 'lmstudio';
  name: string;
  path: string;
  bytes: number;
  /** Its id in the library if it was added already. */
  modelId: string | null;
}

export interface FoundPlace {
  source: FoundModel['source'];
  folder: string;
  /** `limited`: it holds more than is looked at. */
  state: 'read' | 'missing' | 'unreadable' | 'limited';
}

export interface FoundModels {
  places: FoundPlace[];
  models: FoundModel[];
}

/** A model of the list that comes with the app. */
export interface CatalogueEntry {
  id: string;
  name: string;
  /** Who made the model, and who packed the file where that is somebody else. */
  publisher: string;
  packer: string | null;
  architecture: string;
  parameters: number;
  /** Tokens it was trained for. */
  contextSize: number;
  /** How most of its weights are stored, for example `Q4_K_M`. */
  quantisation: string;
  description: string;
  cannot: string;
  /** `terms`: not a free licence; a person must have read and accepted it. */
  license: { name: string; url: string; kind: 'free' | 'terms' };
  /** Page of the model at the hub, for a person to open. */
  page: string;
  /** What would be asked for, with the mirror of the settings. */
  url: string;
  file: string;
  /** Null where it could not be checked at the source; the server says it then. */
  bytes: number | null;
  /** Null where it could not be checked at the source; the hash is recorded after the download then. */
  sha256: string | null;
  /** Bytes that K and V of one token take at F16. */
  kvBytesPerToken: number;
  /** Its id in the library once it is on this computer. */
  modelId: string | null;
}

/** What stopped a download. */
export type DownloadProblemKind =
  'dns' | 'connection' | 'tls' | 'proxy' | 'timeout' | 'redirect' | 'http' | 'cut' | 'disk' | 'hash' | 'busy';

export interface DownloadProblem {
  kind: DownloadProblemKind;
  /** What happened, with numbers, and what to do. */
  message: string;
  /** Of the server's answer; null when there was none. */
  httpStatus: number | null;
}

export type DownloadPhase =
  /** Asking the server; also between two tries, `problem` then says why there is another. */
  | 'connecting'
  | 'downloading'
  /** Hashing what was there from before, or flushing to the disk. */
  | 'checking'
  | 'paused'
  | 'failed'
  | 'done';

export interface Download {
  id: string;
  catalogueId: string;
  name: string;
  url: string;
  phase: DownloadPhase;
  /** On the disk so far. */
  bytes: number;
  totalBytes: number | null;
  /** Bytes per second over the last seconds; null while nothing comes. */
  rate: number | null;
  secondsLeft: number | null;
  problem: DownloadProblem | null;
  /** When it is done: the model in the library, and the hash with who confirmed it. */
  modelId: string | null;
  sha256: string | null;
  hashChecked: boolean;
}

/** Where downloads go. */
export interface ModelsFolder {
  path: string;
  isDefault: boolean;
  freeBytes: number | null;
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
  /** Requests that nobody asked for are refused. `running`: not over yet. */
  result: 'refused' | 'running' | 'done' | 'failed';
  /** Received so far. */
  bytes: number;
  /** Who asked for it and how it went, for a person; null for what was refused. */
  note: string | null;
}

/** Calls with one answer; the params are a tuple. */
export interface AppMethods {
  about: { params: []; result: AboutInfo };
  settingsGet: { params: []; result: Settings };
  /** Merges top-level keys and answers with the whole. */
  settingsSet: { params: [Partial<Settings>]; result: Settings };
  /** Newest first. */
  chatsList: { params: []; result: ChatSummary[] };
  /** Searches titles and texts, case-insensitively. Newest first. */
  chatsSearch: { params: [string]; result: ChatSummary[] };
  chatGet: { params: [string]; result: StoredChat | null };
  /** What came after a revision; null: read the chat again. */
  chatSince: { params: [string, number]; result: ChatUpdate | null };
  /** Appends to a chat, or creates it. After a failure send it again as it is: what was written already is passed over. */
  chatWrite: { params: [ChatWrite]; result: ChatWritten };
  /** Details of up to 1,024 tokens; null for a token whose details were not recorded or are damaged. */
  chatDetails: { params: [ChatDetailsRange]; result: (TokenDetails | null)[] };
  /** Moves a chat to the deleted ones, which are kept for 30 days. */
  chatDelete: { params: [string]; result: null };
  /** Takes `chatDelete` back. */
  chatRestore: { params: [string]; result: null };
  /** The built-in model, then those of the library, newest first. */
  modelsList: { params: []; result: ModelListing[] };
  /**
   * Lets a person choose a model's file in the system's dialog; null when nothing was chosen. Remembered by reference,
   * never copied. In the browser the page itself does this.
   */
  modelOpen: { params: []; result: ModelListing | null };
  /** Forgets a model; its files stay, also those that were downloaded. */
  modelRemove: { params: [string]; result: null };
  /** Forgets a downloaded model and deletes its file. Refused for files that Tokenscope did not download. */
  modelDelete: { params: [string]; result: null };
  /** Lets a person show where a model lies now, in the system's dialog; it keeps its id. Null: nothing was chosen. */
  modelLocate: { params: [string]; result: ModelListing | null };
  /** Takes a changed file as it is now. */
  modelAccept: { params: [string]; result: ModelListing };
  /** Computes the SHA-256 of a model's file; a `verify` event says how far it is. */
  modelVerify: { params: [string]; result: ModelVerification };
  /** A model was loaded. */
  modelUsed: { params: [string]; result: null };
  /** A speed was measured. */
  modelMeasured: { params: [string, MeasuredRate]; result: null };
  /** Shows a model's file in the system's file manager. Refused in the browser. */
  modelShowInFolder: { params: [string]; result: null };
  /** Looks into the folders of other programs on this computer. Reads only. */
  modelsFound: { params: []; result: FoundModels };
  /** Adds one of them by reference. */
  modelAddFound: { params: [string]; result: ModelListing };
  /** The list that came with the app; nothing is asked of any server. */
  catalogueList: { params: []; result: CatalogueEntry[] };
  /**
   * Only on a person's click. `termsAccepted`: a person read the licence and accepts it, where it is no free one.
   * Answers once the download is under way; `downloads` events tell the rest.
   */
  downloadStart: { params: [{ catalogueId: string; termsAccepted: boolean }]; result: Download };
  /** Stops and keeps what there is. */
  downloadPause: { params: [string]; result: Download };
  /** Only on a person's click: goes on, or tries again. */
  downloadResume: { params: [string]; result: Download };
  /** Stops and deletes what there is; takes one that is over out of the list. */
  downloadCancel: { params: [string]; result: null };
  /** Those that run, those that can go on, also from before the app was started, and those that were finished since. */
  downloadsList: { params: []; result: Download[] };
  modelsFolder: { params: []; result: ModelsFolder };
  /** Lets a person choose where downloads go; null: nothing was chosen. Refused in the browser. */
  modelsFolderChoose: { params: []; result: ModelsFolder | null };
  modelsFolderReset: { params: []; result: ModelsFolder };
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
  /** The list changed: a chat was created, deleted, restored or renamed. */
  | { type: 'chats' }
  | ChatNews
  /** The list of models changed. */
  | { type: 'models' }
  /** All downloads, a few times a second while one runs. */
  | { type: 'downloads'; downloads: Download[] }
  /** How far `modelVerify` is. */
  | { type: 'verify'; modelId: string; bytes: number; totalBytes: number }
  /**
   * Why this instance reads but does not write (another one holds the data folder, or nobody can write there);
   * null: it writes again.
   */
  | { type: 'readOnly'; message: string | null }
  /**
   * The app's other half. `leaving`: it ends now, so a page saves what is unsaved. In a browser the page's own transport
   * adds `away` (no answer), `refused` (the key is not valid) and `here` (answers again).
   */
  | { type: 'host'; state: 'here' | 'leaving' | 'away' | 'refused'; message: string | null }
  /**
   * Something happened that a person should know: a damaged file was put aside, the page had to be reloaded. Each page
   * hears every notice, also an earlier one; `id` tells it which ones it has shown.
   */
  | { type: 'notice'; id: string; message: string };

/** An event as the app emits it: notices get their id then. */
export type EmittedEvent = Exclude<AppEvent, { type: 'notice' }> | { type: 'notice'; message: string };

export interface AppServices {
  invoke<M extends AppMethodName>(method: M, ...params: AppMethods[M]['params']): Promise<AppMethods[M]['result']>;
  onEvent(listener: (event: AppEvent) => void): () => void;
}

export type { ChatSummary, ModelInfo };
