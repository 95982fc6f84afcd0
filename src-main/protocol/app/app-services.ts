/**
 * The app's services apart from the engine: settings, chats, models, versions. One interface, implemented over IPC
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
  FoundChat,
  HitRequest,
  SearchHit,
  StoredChat,
  TokenDetails,
} from './chats/chat.ts';
import type { AboutInfo, NetworkRecord, SystemMemory } from './about.ts';
import type { CatalogueEntry, Download, ModelsFolder } from './downloads.ts';
import type { UpdateState } from './updates.ts';
import type {
  ComparisonNews,
  ComparisonSummary,
  ComparisonWrite,
  ComparisonWritten,
  LaneSet,
  StoredComparison,
} from './comparisons/comparison.ts';
import type { SavedItem, SavedItemChange } from './presets/saved-items.ts';
import type { DeletedChat } from './recently-deleted.ts';

export interface UpdateSettings {
  /** Check for a new version once a week. Off until a person turns it on. */
  automatic: boolean;
}

export type ThemeSetting = 'system' | 'light' | 'dark' | 'contrast';

/** Smallest first. */
export const TEXT_SIZES = ['small', 'medium', 'large', 'larger'] as const;
export type TextSize = (typeof TEXT_SIZES)[number];
export const DENSITIES = ['comfortable', 'compact'] as const;
export type Density = (typeof DENSITIES)[number];
export const SEND_KEYS = ['enter', 'ctrl_enter'] as const;
export type SendKey = (typeof SEND_KEYS)[number];

export interface Settings {
  theme: ThemeSetting;
  textSize: TextSize;
  /** Space between lines and messages. */
  density: Density;
  /** The key that sends a message of a chat. On a Mac, `ctrl_enter` is Command and Enter. */
  sendWith: SendKey;
  /** The first-run tour was taken or skipped. */
  tourSeen: boolean;
  /** By model id; a model without an entry has `defaultModelSettings`. */
  perModel: Record<string, ModelSettings>;
  useKvCache: boolean;
  /** Keep K and V of chats beyond the process, so that they need not be computed again. */
  storePrefix: boolean;
  /** See `GenerateParams.speculate`. */
  speculate: boolean;
  /** What happens when a chat no longer fits the context window. */
  whenFull: WhenFull;
  /** Show replies as tinted tokens instead of plain text. */
  tokensView: boolean;
  /** Show replies as they were generated, instead of formatting their Markdown. */
  rawReplies: boolean;
  tokenColours: TokenColours;
  panel: { open: boolean; tab: 'sampling' | 'stop' | 'prompt' | 'context' | 'rate' };
  /** Show all sampling settings instead of the three usual ones. */
  fullChain: boolean;
  /** The chat that was open last; null for a new chat. */
  lastChatId: string | null;
  /** The model to load at start; null for the built-in one. */
  lastModelId: string | null;
  downloads: DownloadSettings;
  updates: UpdateSettings;
  /** Sets of lanes that a person saved. */
  laneSets: LaneSet[];
  /** Steps of the lesson in Inside whose question was answered. */
  lessonAnswered: string[];
}

/** What the tokens view colours tokens by. */
export interface TokenColours {
  /** `doubtful`: by probability, but only tokens below `doubtBelow`. */
  by: 'probability' | 'surprisal' | 'entropy' | 'rank' | 'doubtful';
  /** Probability, 0..1. */
  doubtBelow: number;
}

/** Network settings of downloads. */
export interface DownloadSettings {
  /** `http://[user:password@]host:port`; null to use the environment (`HTTPS_PROXY`, `NO_PROXY`). */
  proxy: string | null;
  /** Address that replaces the catalogue's hub, for example a mirror in the same network; null for the hub itself. */
  mirror: string | null;
}

/**
 * A person's settings for one model. An absent value falls back to the model's file (`ModelInfo.samplingDefaults`), and
 * then to the app's default.
 */
export interface ModelSettings {
  sampling: Partial<SamplingParams>;
  stop: Partial<StopParams>;
  /** How a chat becomes one text; `custom` is the source in `drafts`. */
  template: ChatTemplateChoice['kind'];
  /** Whether the model may reason before it answers; null leaves it to the template. */
  enableThinking: boolean | null;
  /** Tokens of prompt and reply that it is loaded for; null for the app's default. */
  contextSize: number | null;
  /** Texts that are kept while another option is selected. */
  drafts: { template: string; gbnf: string; json_schema: string };
}

/** Source of a model of the library. `lent`: its files were lent to this page by a browser, until it is closed. */
export type ModelSource =
  | 'builtin'
  | 'file'
  | 'folder'
  | 'download'
  | 'huggingface-cache'
  | 'ollama'
  | 'lmstudio'
  | 'lent';

/** Speed of a model measured on this computer, in tokens per second. */
export interface MeasuredRate {
  executor: GenerateStart['executor'];
  threads: number;
  prefillTokensPerSecond: number | null;
  decodeTokensPerSecond: number | null;
  at: string;
}

/** A model that the app knows; the engine provides more facts once it is loaded. */
export interface ModelListing {
  id: string;
  name: string;
  builtIn: boolean;
  source: ModelSource;
  /** Total size of its files; 0 if they cannot be read. */
  fileBytes: number;
  /** Path of a model that a person opened; null for the built-in one and for files lent by a browser. */
  path: string | null;
  /** Information beyond the files, its first line a summary; null for opened models. */
  description: string | null;
  cannot: string | null;
  license: string | null;
  /** `missing`: its file is gone. `changed`: the file differs from the one that was added; it can be loaded. */
  state: 'ok' | 'missing' | 'changed';
  /** Explanation of `missing` or `changed` and what to do, for people; null if all is well. */
  stateText: string | null;
  /** Why it cannot be loaded, for example because its file is gone; null if it can. */
  problem: string | null;
  /** Its catalogue entry; null for a model that a person added. */
  catalogueId: string | null;
  /** SHA-256 of its single file, if it was computed here. */
  sha256: string | null;
  /** ISO 8601, UTC; null for the built-in model and lent files. */
  addedAt: string | null;
  lastUsedAt: string | null;
  /** The latest per executor and number of threads. */
  measured: MeasuredRate[];
}

/** Result of `modelVerify`. */
export interface ModelVerification {
  sha256: string;
  /** The expected hash; null if none was known, and the hash is recorded now. */
  expected: string | null;
  /** Source of the expected hash. */
  expectedFrom: 'catalogue' | 'recorded' | null;
  /** Null if there was nothing to compare with. */
  matches: boolean | null;
  /** The result as a message. */
  text: string;
}

/** A model in another program's folder on this computer, which is offered, but never changed. */
export interface FoundModel {
  /** Identifies it in `modelAddFound`. */
  id: string;
  source: 'huggingface-cache' | 'ollama' | 'lmstudio';
  name: string;
  path: string;
  bytes: number;
  /** Its id in the library, if it was added. */
  modelId: string | null;
}

export interface SearchedFolder {
  source: FoundModel['source'];
  folder: string;
  /** `limited`: it was too large to search completely. */
  state: 'read' | 'missing' | 'unreadable' | 'limited';
}

export interface FoundModels {
  places: SearchedFolder[];
  models: FoundModel[];
}

/** Calls with one result; the params are a tuple. */
export interface AppMethods {
  about: { params: []; result: AboutInfo };
  settingsGet: { params: []; result: Settings };
  /** Merges top-level keys and returns all settings. */
  settingsSet: { params: [Partial<Settings>]; result: Settings };
  /** Newest first. */
  chatsList: { params: []; result: ChatSummary[] };
  /** Searches titles and texts, case-insensitively. Newest first. */
  chatsSearch: { params: [string]; result: FoundChat[] };
  /** A hit of `chatsSearch` as it was written; null for a very long chat. */
  chatHit: { params: [HitRequest]; result: SearchHit | null };
  chatGet: { params: [string]; result: StoredChat | null };
  /** Changes after a revision; null: read the whole chat again. */
  chatSince: { params: [string, number]; result: ChatUpdate | null };
  /**
   * Appends to a chat, or creates it. After a failure repeat it unchanged: events that were already written have no
   * effect.
   */
  chatWrite: { params: [ChatWrite]; result: ChatWritten };
  /** Details of up to 1,024 tokens; null for a token without recorded details, or with damaged ones. */
  chatDetails: { params: [ChatDetailsRange]; result: (TokenDetails | null)[] };
  /** Moves a chat to the deleted ones, which are kept for `KEEP_DELETED_DAYS`. */
  chatDelete: { params: [string]; result: null };
  /** Undoes `chatDelete`. */
  chatRestore: { params: [string]; result: null };
  /** Deleted chats that can be restored, the latest deletion first. */
  chatsDeleted: { params: []; result: DeletedChat[] };
  /** Deletes deleted chats for good, at most `MAX_PURGED`. Others are left alone. */
  chatsPurge: { params: [string[]]; result: null };
  /** Runs of Compare, newest first. Damaged files are left out and reported as notices. */
  comparisonsList: { params: []; result: ComparisonSummary[] };
  /** Null: it does not exist. */
  comparisonRead: { params: [string]; result: StoredComparison | null };
  /**
   * Stores a run as a whole. If someone else changed it since the write's `revision`, it is saved as a copy with a new id.
   * After a failure repeat it unchanged.
   */
  comparisonWrite: { params: [ComparisonWrite]; result: ComparisonWritten };
  /** Moves a run to the deleted ones, which are kept for `KEEP_DELETED_DAYS`. */
  comparisonDelete: { params: [string]; result: null };
  /** Undoes `comparisonDelete`. */
  comparisonRestore: { params: [string]; result: null };
  /** Saved presets and system prompts, oldest first. */
  savedItems: { params: []; result: SavedItem[] };
  /**
   * Adds, replaces or deletes a saved item. If someone else has changed it since, the new one is saved as a copy, and a
   * deletion is skipped. Returns all items, and the id under which it was saved; null after a deletion.
   */
  savedItemChange: { params: [SavedItemChange]; result: { items: SavedItem[]; id: string | null } };
  /** The built-in model, then those of the library, newest first. */
  modelsList: { params: []; result: ModelListing[] };
  /**
   * Shows the system's dialog for a model's file; null if none was chosen. The file is referenced, never copied. In the
   * browser the page itself does this.
   */
  modelOpen: { params: []; result: ModelListing | null };
  /** Removes a model from the library; its files stay, even downloaded ones. */
  modelRemove: { params: [string]; result: null };
  /** Undoes `modelRemove`, until the app is closed. */
  modelRestore: { params: [string]; result: ModelListing };
  /** Removes a downloaded model and deletes its file. Refused for files that Tokenscope did not download. */
  modelDelete: { params: [string]; result: null };
  /** Shows the system's dialog for the new path of a model, which keeps its id. Null: none was chosen. */
  modelLocate: { params: [string]; result: ModelListing | null };
  /** Accepts the current state of a changed file. */
  modelAccept: { params: [string]; result: ModelListing };
  /** Computes the SHA-256 of a model's file; `verify` events report progress. */
  modelVerify: { params: [string]; result: ModelVerification };
  /** Records that a model was loaded. */
  modelUsed: { params: [string]; result: null };
  /** Records a measured speed. */
  modelMeasured: { params: [string, MeasuredRate]; result: null };
  /** Shows a model's file in the system's file manager. Refused in the browser. */
  modelShowInFolder: { params: [string]; result: null };
  /** Searches the folders of other programs on this computer. Read-only. */
  modelsFound: { params: []; result: FoundModels };
  /** Adds one of them by reference. */
  modelAddFound: { params: [string]; result: ModelListing };
  /** The bundled catalogue; sends no request. */
  catalogueList: { params: []; result: CatalogueEntry[] };
  /**
   * Only on a person's click. `termsAccepted`: a person has read and accepted a restrictive licence. Returns once the
   * download has started; `downloads` events report the rest.
   */
  downloadStart: { params: [{ catalogueId: string; termsAccepted: boolean }]; result: Download };
  /** Stops and keeps the partial file. */
  downloadPause: { params: [string]; result: Download };
  /** Only on a person's click: resumes or retries. */
  downloadResume: { params: [string]; result: Download };
  /** Stops and deletes the partial file; removes a finished download from the list. */
  downloadCancel: { params: [string]; result: null };
  /** Running downloads, those that can be resumed, also from an earlier start, and those finished since. */
  downloadsList: { params: []; result: Download[] };
  modelsFolder: { params: []; result: ModelsFolder };
  /** Shows a dialog for the download folder; null if none was chosen. Refused in the browser. */
  modelsFolderChoose: { params: []; result: ModelsFolder | null };
  modelsFolderReset: { params: []; result: ModelsFolder };
  /**
   * Saves a text with the system's dialog; false if it was cancelled. Refused in the browser, where the page saves files.
   * `name`: suggested file name.
   */
  textSave: { params: [{ name: string; text: string }]; result: boolean };
  /** The state of updates; sends no request. */
  updateState: { params: []; result: UpdateState };
  /** Only on a person's click: asks the server for a newer version. A failure is part of the state. */
  updateCheck: { params: []; result: UpdateState };
  /** Only on a person's click: downloads the offered version, or resumes that. `update` events report the rest. */
  updateDownload: { params: []; result: UpdateState };
  /** Stops the download and keeps its part. */
  updatePause: { params: []; result: UpdateState };
  /** What the system opened with the app since the last call. */
  openedTake: { params: []; result: OpenedItem[] };
  /** Null where the host does not know. */
  systemMemory: { params: []; result: SystemMemory | null };
  networkLog: { params: []; result: NetworkRecord[] };
  /** Opens a web or mail address in the system's browser or mail program, on a person's click only. */
  openExternal: { params: [string]; result: null };
  /** Shows the data folder in the system's file manager. Refused in the browser. */
  dataFolderShow: { params: []; result: null };
  /** Restarts the engine's process, for a person whose engine hangs. */
  engineRestart: { params: []; result: null };
}

/** A model file that was opened with the app, or the question in a `tokenscope://` link. */
export type OpenedItem = { type: 'model'; listing: ModelListing } | { type: 'question'; text: string };

export type AppMethodName = keyof AppMethods;

/** An event from the app to its page. */
export type AppEvent =
  | { type: 'engine'; state: 'starting' | 'ready' | 'lost'; message: string | null }
  | { type: 'settings'; settings: Settings }
  /** A list changed: a chat was created, deleted, restored, renamed or deleted for good. */
  | { type: 'chats' }
  | ChatNews
  | ComparisonNews
  /** Saved presets or system prompts changed. */
  | { type: 'savedItems'; items: SavedItem[] }
  /** The engine's model, which all windows share, is being changed by one of them, or was. */
  | { type: 'engineModel'; changing: boolean }
  | { type: 'update'; state: UpdateState }
  /** The list of models changed. */
  | { type: 'models' }
  /** The system opened something with the app: see `openedTake`. */
  | { type: 'opened' }
  /** All downloads, sent a few times per second while one runs. */
  | { type: 'downloads'; downloads: Download[] }
  /** Progress of `modelVerify`. */
  | { type: 'verify'; modelId: string; bytes: number; totalBytes: number }
  /** Why this instance does not save (another one holds the data folder, or it is not writable); null: it saves again. */
  | { type: 'readOnly'; message: string | null }
  /**
   * State of the app's other half. `leaving`: it is quitting, so a page saves unsaved changes. In a browser the page's
   * own transport adds `away` (no response), `refused` (invalid key) and `here` (responds again).
   */
  | { type: 'host'; state: 'here' | 'leaving' | 'away' | 'refused'; message: string | null }
  /**
   * Something that a person should know: a damaged file was renamed, the page had to be reloaded. Each page receives
   * every notice, also earlier ones; `id` identifies those already shown.
   */
  | { type: 'notice'; id: string; message: string };

/** An event as emitted by the app: notices get their id later. */
export type EmittedEvent = Exclude<AppEvent, { type: 'notice' }> | { type: 'notice'; message: string };

export interface AppServices {
  invoke<M extends AppMethodName>(method: M, ...params: AppMethods[M]['params']): Promise<AppMethods[M]['result']>;
  onEvent(listener: (event: AppEvent) => void): () => void;
}

export type { ChatSummary, ModelInfo };
