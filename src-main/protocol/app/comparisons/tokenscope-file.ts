/**
 * A `.tokenscope` file: a run of Compare that another copy of the app can open and run again. JSON. Votes are left out,
 * because they belong to the person who voted.
 */
import * as v from 'valibot';
import { EngineError } from '../../../engine/api/errors.ts';
import { cutText, shortened } from '../../cut-text.ts';
import { schemaOf } from '../../fields.ts';
import type { ModelListing } from '../app-services.ts';
import { count } from '../chats/chat-schemas.ts';
import { isoDate, shortText } from '../fields.ts';
import { storedComparison } from './comparison-schemas.ts';
import type { StoredComparison } from './comparison.ts';

export const TOKENSCOPE_EXTENSION = '.tokenscope';
/** Largest file that is read. */
export const MAX_TOKENSCOPE_BYTES = 64 * 1024 * 1024;

const FORMAT = 'tokenscope-comparison';
const VERSION = 1;
/** Characters, with the ellipsis. */
const MAX_NAME_SHOWN = 101;

/** What identifies a model of the lanes on another computer. */
export interface FileModel {
  /** The lanes' `modelId`. */
  id: string;
  name: string;
  /** Size of its files; null if unknown. */
  bytes: number | null;
  /** Of its single file; null if unknown. */
  sha256: string | null;
}

interface TokenscopeFile {
  format: typeof FORMAT;
  version: number;
  /** Version of the app that wrote it. */
  app: string;
  exportedAt: string;
  models: FileModel[];
  comparison: Omit<StoredComparison, 'votes'>;
}

const fileModel = schemaOf<FileModel>()(
  v.strictObject({
    id: v.pipe(v.string(), v.maxLength(128)),
    name: shortText,
    bytes: v.nullable(count),
    sha256: v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'Expected a SHA-256 of 64 hex digits'))),
  }),
);

const content = v.strictObject({
  format: v.literal(FORMAT),
  version: v.literal(VERSION),
  app: shortText,
  exportedAt: isoDate,
  models: v.pipe(v.array(fileModel), v.maxLength(8)),
  comparison: v.pipe(
    v.looseObject({}),
    v.transform((value) => ({ ...value, votes: [] })),
    storedComparison,
  ),
});

/** @param models those of the lanes */
export function tokenscopeFile(
  comparison: StoredComparison,
  { app, exportedAt, models }: { app: string; exportedAt: string; models: readonly FileModel[] },
): string {
  const { votes: _, ...rest } = comparison;
  const file: TokenscopeFile = {
    format: FORMAT,
    version: VERSION,
    app,
    exportedAt,
    models: [...models],
    comparison: rest,
  };
  return `${JSON.stringify(file)}\n`;
}

/** The models of a run's lanes, each once, with what the library knows about them. */
export function fileModels(comparison: StoredComparison, library: readonly ModelListing[]): FileModel[] {
  const models = new Map<string, FileModel>();
  for (const { settings } of comparison.lanes) {
    const listing = library.find(({ id }) => id === settings.modelId);
    models.set(settings.modelId, {
      id: settings.modelId,
      name: settings.modelName,
      bytes: listing === undefined || listing.fileBytes === 0 ? null : listing.fileBytes,
      sha256: listing?.sha256 ?? null,
    });
  }
  return [...models.values()];
}

export interface OpenedFile {
  /** A new run that is not stored yet: revision 0, without votes. */
  comparison: StoredComparison;
  models: FileModel[];
}

/**
 * Reads a file that may come from anybody.
 * @param name of the file, for messages
 * @param as id and time of the new run
 * @throws EngineError BAD_REQUEST with a message for people
 */
export function readTokenscopeFile(text: string, name: string, as: { id: string; now: string }): OpenedFile {
  const shown = `“${shortened(name, MAX_NAME_SHOWN)}”`;
  const refused = (message: string, field = '') => new EngineError('BAD_REQUEST', message, { name: shown, field });
  if (text.length > MAX_TOKENSCOPE_BYTES) throw refused(tooLarge(shown, text.length));
  const value = parsed(text);
  if (value?.format !== FORMAT) {
    throw refused(`${shown} is not a ${TOKENSCOPE_EXTENSION} file, or it is damaged. Export the run again.`);
  }
  if (typeof value.version === 'number' && value.version > VERSION) {
    throw refused(`${shown} was written by a newer version of Tokenscope. Update Tokenscope to open it.`);
  }
  const result = v.safeParse(content, value, { abortEarly: true });
  if (!result.success) {
    const [issue] = result.issues;
    const field = v.getDotPath(issue) ?? '';
    const where = field === '' ? '' : ` in ${cutText(field, 200)}`;
    throw refused(
      `${shown} has an invalid value${where}: ${cutText(issue.message, 200)}. Export the run again.`,
      field,
    );
  }
  const { comparison, models } = result.output;
  const createdAt = pastDate(comparison.createdAt, as.now);
  return { comparison: { ...comparison, id: as.id, createdAt, updatedAt: as.now, revision: 0, votes: [] }, models };
}

/** A date from a file as runs store it; `now` if it is in the future, before 1970 or not a time at all. */
function pastDate(text: string, now: string): string {
  const at = Date.parse(text);
  return at >= 0 && at <= Date.parse(now) ? new Date(at).toISOString() : now;
}

/** For files that need not be read to be refused. */
export function tooLarge(shown: string, bytes: number): string {
  const [has, limit] = [bytes, MAX_TOKENSCOPE_BYTES].map((size) => `${Math.ceil(size / 1e6)}\u00a0MB`);
  return `${shown} has ${has}, but a ${TOKENSCOPE_EXTENSION} file has at most ${limit}.`;
}

function parsed(text: string): { format?: unknown; version?: unknown } | null {
  try {
    return JSON.parse(text) as { format?: unknown; version?: unknown } | null;
  } catch {
    return null;
  }
}

export interface ModelMatch {
  listing: ModelListing;
  /** `sha256`: the same file. `size`: same name and size. `name`: only the name is the same. */
  by: 'sha256' | 'size' | 'name';
}

/** The model of this computer's library that is most like the file's; null if none is. */
export function matchingModel(model: FileModel, library: readonly ModelListing[]): ModelMatch | null {
  const same = library.find(({ sha256 }) => sha256 !== null && sha256 === model.sha256);
  if (same !== undefined) return { listing: same, by: 'sha256' };
  const isOther = (sha256: string | null) => sha256 !== null && model.sha256 !== null;
  const named = library.filter(({ id, name }) => id === model.id || name === model.name);
  const sized = named.find(({ fileBytes, sha256 }) => fileBytes === model.bytes && !isOther(sha256));
  if (sized !== undefined) return { listing: sized, by: 'size' };
  const [listing] = named;
  return listing === undefined ? null : { listing, by: 'name' };
}

/** A model for lanes of another one. */
export type ReplacedModel = Pick<ModelListing, 'id' | 'name'> & {
  /** It is the same file, so token ids of the replies mean the same. */
  readonly isSame: boolean;
};

/**
 * The run with its lanes' models replaced: in the settings, and in the replies if the model is the same.
 * @param models by the id in the file
 */
export function withModels(comparison: StoredComparison, models: ReadonlyMap<string, ReplacedModel>): StoredComparison {
  const lanes = comparison.lanes.map(({ settings, replies }) => {
    const model = models.get(settings.modelId);
    return {
      settings: model === undefined ? settings : { ...settings, modelId: model.id, modelName: model.name },
      replies: replies.map((reply) => {
        const own = models.get(reply.facts.modelId);
        if (own?.isSame !== true) return reply;
        return { ...reply, facts: { ...reply.facts, modelId: own.id, model: own.name } };
      }),
    };
  });
  return { ...comparison, lanes };
}
