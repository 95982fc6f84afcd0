/** Presets and system prompts that a person saved: their types, checks, and the file that stores and exports them. */
import * as v from 'valibot';
import { EngineError } from '../../../engine/api/errors.ts';
import type { SamplingParams, StopParams } from '../../../engine/api/types.ts';
import { STOP_SETTINGS } from '../../../engine/settings/generation.ts';
import { MAX_SOURCE, SAMPLING_SETTINGS } from '../../../engine/settings/sampling.ts';
import { schemaOf } from '../../fields.ts';
import { partialOf, schemasOf, storedSettings } from '../../setting-schemas.ts';
import { savedItemId } from '../fields.ts';

/** Settings without a value have the model's default. */
export interface SavedPreset {
  kind: 'preset';
  id: string;
  name: string;
  sampling: Partial<SamplingParams>;
  /** Settings without a value are left as they are. */
  stop: Partial<StopParams>;
}

/** A system prompt of the library. */
export interface SavedPrompt {
  kind: 'prompt';
  id: string;
  name: string;
  text: string;
}

export type SavedItem = SavedPreset | SavedPrompt;

/** Adds, replaces or deletes one item, so that pages do not overwrite each other's items. */
export interface SavedItemChange {
  /** What the change is based on; null: the item is new. */
  was: SavedItem | null;
  /** Null deletes it. */
  now: SavedItem | null;
}

export const MAX_SAVED_ITEMS = 500;
/** UTF-16 units. */
export const MAX_ITEM_NAME = 80;

const FORMAT = 'tokenscope-presets';
const VERSION = 1;

const name = v.pipe(
  v.string(),
  v.maxLength(MAX_ITEM_NAME),
  v.check((text) => text.trim() !== '', 'Expected a name'),
);

const preset = schemaOf<SavedPreset>()(
  v.strictObject({
    kind: v.literal('preset'),
    id: savedItemId,
    name,
    sampling: partialOf(schemasOf(SAMPLING_SETTINGS)),
    stop: partialOf(schemasOf(STOP_SETTINGS)),
  }),
);
const prompt = schemaOf<SavedPrompt>()(
  v.strictObject({
    kind: v.literal('prompt'),
    id: savedItemId,
    name,
    text: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_SOURCE)),
  }),
);
const savedItem = schemaOf<SavedItem>()(v.variant('kind', [preset, prompt]));

export const savedItemChange = schemaOf<SavedItemChange>()(
  v.pipe(
    v.strictObject({ was: v.nullable(savedItem), now: v.nullable(savedItem) }),
    v.check(
      ({ was, now }) => (was ?? now) !== null && (was === null || now === null || was.id === now.id),
      'Expected one item',
    ),
  ),
);

/** What a file of saved items contains. */
export interface SavedItemsFile {
  items: SavedItem[];
  /** Entries that this version cannot read. They are preserved when the file is written. */
  unknown: unknown[];
}

/** Whether a parsed file is one of these, of whatever version. */
export function isSavedItemsFile(value: unknown): value is { format: typeof FORMAT; version: unknown; items: unknown } {
  return typeof value === 'object' && value !== null && 'format' in value && value.format === FORMAT;
}

/** @param unknown entries of the file that is replaced */
export function savedItemsFile(items: readonly SavedItem[], unknown: readonly unknown[] = []): object {
  return { format: FORMAT, version: VERSION, items: [...items, ...unknown] };
}

/** @throws EngineError BAD_REQUEST for another or a damaged format; `details.later` is set for a later version */
export function readSavedItems(value: unknown): SavedItemsFile {
  if (!isSavedItemsFile(value)) throw new EngineError('BAD_REQUEST', 'This is not a file of presets.');
  const { version, items } = value;
  if (typeof version === 'number' && version > VERSION) {
    throw new EngineError('BAD_REQUEST', 'This file is from a later version of Tokenscope.', { later: true });
  }
  if (version !== VERSION || !Array.isArray(items)) {
    throw new EngineError('BAD_REQUEST', 'This file of presets is damaged: its version or its list is missing.');
  }
  const read: SavedItemsFile = { items: [], unknown: [] };
  const ids = new Set<string>();
  for (const one of items as unknown[]) {
    const item = readItem(one);
    if (item === null || ids.has(item.id) || read.items.length === MAX_SAVED_ITEMS) {
      read.unknown.push(one);
    } else {
      ids.add(item.id);
      read.items.push(item);
    }
  }
  return read;
}

/** Numbers out of range are clamped and invalid settings dropped, as in other stored settings. */
function readItem(value: unknown): SavedItem | null {
  if (typeof value !== 'object' || value === null) return null;
  const fitted =
    'kind' in value && value.kind === 'preset'
      ? {
          ...value,
          sampling: storedSettings(SAMPLING_SETTINGS, Reflect.get(value, 'sampling')),
          stop: storedSettings(STOP_SETTINGS, Reflect.get(value, 'stop')),
        }
      : value;
  const parsed = v.safeParse(savedItem, fitted);
  return parsed.success ? parsed.output : null;
}

/** Both have passed the same schema, which fixes the order of keys. */
export function isSameItem(a: SavedItem | null, b: SavedItem | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
