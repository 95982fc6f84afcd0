/** Presets and system prompts in the browser's database. */
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { AppEvent, AppMethods } from '../../../src-main/protocol/app/app-services.ts';
import { changeItems } from '../../../src-main/protocol/app/presets/change-items.ts';
import {
  readSavedItems,
  savedItemsFile,
  type SavedItem,
  type SavedItemChange,
  type SavedItemsFile,
} from '../../../src-main/protocol/app/presets/saved-items.ts';
import { newId } from '../new-id.ts';
import type { Database } from './database.ts';

const KEY = 'presets';

export class BrowserSavedItems {
  readonly #database: Database;
  readonly #emit: (event: AppEvent) => void;

  constructor(database: Database, emit: (event: AppEvent) => void) {
    this.#database = database;
    this.#emit = emit;
  }

  /** Empty if they cannot be read, which is reported. @throws EngineError STORAGE */
  async list(): Promise<SavedItem[]> {
    const stored = await this.#database.run(['values'], 'readonly', ({ values }) => values.get(KEY));
    try {
      return fileOf(stored?.value).items;
    } catch (thrown) {
      const message = `Your presets could not be read: ${EngineError.from(thrown).message}`;
      this.#emit({ type: 'notice', id: KEY, message });
      return [];
    }
  }

  /**
   * See `AppMethods.savedItemChange`. What cannot be read is not replaced.
   * @throws EngineError STORAGE, or BAD_REQUEST if there are too many items or the stored ones cannot be read
   */
  async change(change: SavedItemChange): Promise<AppMethods['savedItemChange']['result']> {
    const { items, id, isChanged } = await this.#database.run(['values'], 'readwrite', async ({ values }) => {
      const file = fileOf((await values.get(KEY))?.value);
      const changed = changeItems(file.items, change, newId);
      if (changed.isChanged) await values.put({ key: KEY, value: savedItemsFile(changed.items, file.unknown) });
      return changed;
    });
    if (isChanged) this.#emit({ type: 'savedItems', items });
    return { items, id };
  }
}

function fileOf(value: unknown): SavedItemsFile {
  return value === undefined ? { items: [], unknown: [] } : readSavedItems(value);
}
