/**
 * `AppServices` in the page itself, for the static web build: chats, runs and settings are in the browser's database, and
 * tabs tell each other what changed. `scripts/build-web.ts` makes the site.
 */
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { AboutInfo } from '../../../src-main/protocol/app/about.ts';
import type {
  AppEvent,
  AppMethodName,
  AppMethods,
  AppServices,
  ModelListing,
} from '../../../src-main/protocol/app/app-services.ts';
import { EventHub } from '../event-hub.ts';
import { pageStorage } from '../page-storage.ts';
import type { PageServices } from '../services.ts';
import { BrowserChats } from './browser-chats.ts';
import { BrowserComparisons } from './browser-comparisons.ts';
import { BrowserSavedItems } from './browser-saved-items.ts';
import { BrowserSettings } from './browser-settings.ts';
import { BuiltInModels } from './built-in-models.ts';
import { Database } from './database.ts';
import { LastCalls } from './last-calls.ts';
import { storageReclaims } from './reclaim-storage.ts';

/** `site.json` of the site. */
export interface SiteFacts {
  about: AboutInfo;
  models: ModelListing[];
}

type Handlers = { [M in AppMethodName]: (...params: AppMethods[M]['params']) => Promise<AppMethods[M]['result']> };

/** Delay of purging after a start, ms. It reads all chats in a transaction that the list of chats would wait for. */
const PURGE_AFTER_MS = 10_000;

/** Shared by all tabs of this site. */
const CHANNEL = 'tokenscope';

/** @throws EngineError STORAGE if the browser blocks the site's storage */
export function browserServices({ about, models }: SiteFacts): PageServices {
  const storage = siteStorage();
  const hub = new EventHub();
  const tabs = new BroadcastChannel(CHANNEL);
  tabs.onmessage = ({ data }: MessageEvent<AppEvent>) => hub.emit(data);
  const emit = (event: AppEvent): void => {
    hub.emit(event);
    tabs.postMessage(event);
  };
  const keepStored = storageKeeper();
  const database = new Database(storageReclaims());
  const chats = new BrowserChats(database, emit);
  const comparisons = new BrowserComparisons(database, emit);
  const savedItems = new BrowserSavedItems(database, emit);
  const settings = new BrowserSettings(database, emit);
  const builtIn = new BuiltInModels(database, models);
  // If it fails, the next start tries again.
  setTimeout(() => void Promise.all([chats.purge(), comparisons.purge()]).catch(() => undefined), PURGE_AFTER_MS);

  const handlers: Handlers = {
    about: async () => about,
    settingsGet: () => settings.get(),
    settingsSet: (patch) => settings.set(patch),
    chatsList: () => chats.list(),
    chatsSearch: (query) => chats.search(query),
    chatHit: (request) => chats.hit(request),
    chatGet: (id) => chats.get(id),
    chatSince: (id, revision) => chats.since(id, revision),
    async chatWrite(write) {
      keepStored();
      return await chats.write(write);
    },
    chatDetails: (range) => chats.details(range),
    chatDelete: (id) => chats.delete(id).then(() => null),
    chatRestore: (id) => chats.restore(id).then(() => null),
    chatsDeleted: () => chats.deleted(),
    chatsPurge: (ids) => chats.purgeChats(ids).then(() => null),
    savedItems: () => savedItems.list(),
    async savedItemChange(change) {
      keepStored();
      return await savedItems.change(change);
    },
    comparisonsList: () => comparisons.list(),
    comparisonRead: (id) => comparisons.read(id),
    async comparisonWrite(write) {
      keepStored();
      return await comparisons.write(write);
    },
    comparisonDelete: (id) => comparisons.delete(id).then(() => null),
    comparisonRestore: (id) => comparisons.restore(id).then(() => null),
    modelsList: () => builtIn.list(),
    modelUsed: (id) => builtIn.used(id).then(() => null),
    modelMeasured: (id, rate) => builtIn.measured(id, rate).then(() => null),
    modelOpen: needsApp,
    modelRemove: needsApp,
    modelRestore: needsApp,
    modelDelete: needsApp,
    modelLocate: needsApp,
    modelAccept: needsApp,
    modelVerify: needsApp,
    modelShowInFolder: needsApp,
    modelsFound: async () => ({ places: [], models: [] }),
    modelAddFound: needsApp,
    catalogueList: async () => [],
    downloadStart: needsApp,
    downloadPause: needsApp,
    downloadResume: needsApp,
    downloadCancel: needsApp,
    downloadsList: async () => [],
    modelsFolder: async () => ({ path: '', isDefault: true, freeBytes: null }),
    modelsFolderChoose: needsApp,
    modelsFolderReset: needsApp,
    textSave: needsApp,
    updateState: async () => NO_UPDATES,
    updateCheck: needsApp,
    updateDownload: needsApp,
    updatePause: needsApp,
    openedTake: async () => [],
    systemMemory: async () => null,
    networkLog: async () => [],
    async openExternal(url) {
      window.open(url, '_blank', 'noopener,noreferrer');
      return null;
    },
    dataFolderShow: needsApp,
    engineRestart: needsApp,
  };
  const run = <M extends AppMethodName>(method: M, params: AppMethods[M]['params']) => handlers[method](...params);
  const last = new LastCalls(storage, window);
  const repeat = () => last.repeat(({ method, params }) => run(method, params as AppMethods[typeof method]['params']));
  const ready = repeat();
  LastCalls.onStored(window, () => void repeat());
  const invoke: AppServices['invoke'] = (method, ...params) =>
    // Without waiting while the page is being closed.
    last.guard({ method, params }, () =>
      last.isLeaving ? run(method, params) : ready.then(() => run(method, params)),
    );
  return { invoke, invokeLast: invoke, onEvent: (listener) => hub.listen(listener) };
}

/** @throws EngineError STORAGE */
function siteStorage(): Storage {
  const storage = pageStorage('localStorage');
  if (storage !== null) return storage;
  const message = 'This browser blocks storage for this site. Allow the site to save data, then try again.';
  throw new EngineError('STORAGE', message);
}

const NO_UPDATES: AppMethods['updateState']['result'] = {
  unsupported: 'A new version is used once all tabs with Tokenscope are closed.',
  phase: 'idle',
  lastCheck: null,
  release: null,
  bytes: 0,
  problem: null,
};

/** The page does not offer it. */
async function needsApp(): Promise<never> {
  throw new EngineError('BAD_REQUEST', 'A web page cannot do this. Use the desktop app.');
}

/**
 * Asks the browser once not to delete what a person makes when the disk is nearly full. It may refuse, or ask the person.
 */
function storageKeeper(): () => void {
  let asked = false;
  return () => {
    if (asked || !window.isSecureContext) return;
    asked = true;
    // Without it, chats are as safe as other sites' data.
    navigator.storage.persist().catch(() => undefined);
  };
}
