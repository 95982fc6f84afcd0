/** Checks the calls of `AppServices` from a page and refuses invalid ones. */
import * as v from 'valibot';
import { EngineError } from '../../engine/api/errors.ts';
import type { AppMethodName, AppMethods } from './app-services.ts';
import { chatWrite, detailsRange } from './chats/chat-write-schemas.ts';
import { comparisonWrite } from './comparisons/comparison-schemas.ts';
import { savedItemChange } from './presets/saved-items.ts';
import { MAX_PURGED } from './recently-deleted.ts';
import { settingsPatchSchema } from './settings-schemas.ts';
import { chatId, comparisonId, shortText, measuredRate } from './fields.ts';
import { modelId, parseOrRefuse, schemaOf, text } from '../fields.ts';

/** Only https addresses without a user name or password leave the app. */
const externalUrl = v.pipe(
  v.string(),
  v.maxLength(2000),
  v.check((url) => {
    if (!URL.canParse(url)) return false;
    const { protocol, username, password } = new URL(url);
    return protocol === 'https:' && username === '' && password === '';
  }, 'Expected an https address'),
);

/** Not a path: the person chooses the folder. */
const fileName = v.pipe(v.string(), v.maxLength(200), v.regex(/^[^/\\:*?"<>|\p{Cc}]+$/u, 'Expected a file name'));

type ParamsSchemas = { readonly [M in AppMethodName]: v.GenericSchema<unknown, AppMethods[M]['params']> };

const none = schemaOf<[]>()(v.strictTuple([]));

const appParams: ParamsSchemas = {
  about: none,
  settingsGet: none,
  settingsSet: v.strictTuple([settingsPatchSchema]),
  chatsList: none,
  chatGet: v.strictTuple([chatId]),
  chatSince: v.strictTuple([chatId, v.pipe(v.number(), v.safeInteger(), v.minValue(0))]),
  chatWrite: v.strictTuple([chatWrite]),
  chatDetails: v.strictTuple([detailsRange]),
  chatDelete: v.strictTuple([chatId]),
  chatRestore: v.strictTuple([chatId]),
  chatsDeleted: none,
  chatsPurge: v.strictTuple([v.pipe(v.array(chatId), v.maxLength(MAX_PURGED))]),
  chatsSearch: v.strictTuple([shortText]),
  chatHit: v.strictTuple([v.strictObject({ id: chatId, turn: chatId, query: shortText })]),
  comparisonsList: none,
  comparisonRead: v.strictTuple([comparisonId]),
  comparisonWrite: v.strictTuple([comparisonWrite]),
  comparisonDelete: v.strictTuple([comparisonId]),
  comparisonRestore: v.strictTuple([comparisonId]),
  savedItems: none,
  savedItemChange: v.strictTuple([savedItemChange]),
  modelsList: none,
  modelOpen: none,
  modelRemove: v.strictTuple([modelId]),
  modelRestore: v.strictTuple([modelId]),
  modelDelete: v.strictTuple([modelId]),
  modelLocate: v.strictTuple([modelId]),
  modelAccept: v.strictTuple([modelId]),
  modelVerify: v.strictTuple([modelId]),
  modelUsed: v.strictTuple([modelId]),
  modelMeasured: v.strictTuple([modelId, measuredRate]),
  modelShowInFolder: v.strictTuple([modelId]),
  modelsFound: none,
  modelAddFound: v.strictTuple([modelId]),
  catalogueList: none,
  downloadStart: v.strictTuple([v.strictObject({ catalogueId: modelId, termsAccepted: v.boolean() })]),
  downloadPause: v.strictTuple([modelId]),
  downloadResume: v.strictTuple([modelId]),
  downloadCancel: v.strictTuple([modelId]),
  downloadsList: none,
  modelsFolder: none,
  modelsFolderChoose: none,
  modelsFolderReset: none,
  textSave: v.strictTuple([v.strictObject({ name: fileName, text })]),
  updateState: none,
  updateCheck: none,
  updateDownload: none,
  updatePause: none,
  openedTake: none,
  systemMemory: none,
  networkLog: none,
  openExternal: v.strictTuple([externalUrl]),
  dataFolderShow: none,
  engineRestart: none,
};

/** An `AppServices` call whose name and params have been checked. */
export type CheckedAppCall = { [M in AppMethodName]: { method: M; params: AppMethods[M]['params'] } }[AppMethodName];

/** @throws EngineError BAD_REQUEST with the method, or the invalid field and its problem. */
export function checkAppCall(method: unknown, params: unknown): CheckedAppCall {
  if (typeof method !== 'string' || !Object.hasOwn(appParams, method)) {
    const name = typeof method === 'string' ? method.slice(0, 100) : typeof method;
    throw new EngineError('BAD_REQUEST', `Unknown method "${name}".`, { method: name });
  }
  const schema: v.GenericSchema = appParams[method as AppMethodName];
  return { method, params: parseOrRefuse(schema, params, method) } as CheckedAppCall;
}
