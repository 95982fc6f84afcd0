import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { EngineError } from '../../engine/api/errors.ts';
import type { EmittedEvent } from '../../protocol/app/app-services.ts';
import { changeItems } from '../../protocol/app/presets/change-items.ts';
import {
  readSavedItems,
  savedItemsFile,
  type SavedItem,
  type SavedItemChange,
  type SavedItemsFile,
} from '../../protocol/app/presets/saved-items.ts';
import type { InstanceLock } from '../instance-lock.ts';
import { putAside, readJson, writeJson } from '../json-file.ts';

/**
 * Saved presets and system prompts in `presets.json`. The file is read for each call, so that what another process wrote
 * is never overwritten by what this one remembers.
 */
export class SavedItemStore {
  readonly #path: string;
  readonly #lock: Pick<InstanceLock, 'problem' | 'assertHeld'>;
  readonly #emit: (event: EmittedEvent) => void;
  readonly #reported = new Set<string>();
  /** All operations, one after another. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(parts: {
    dataFolder: string;
    lock: Pick<InstanceLock, 'problem' | 'assertHeld'>;
    emit: (event: EmittedEvent) => void;
  }) {
    this.#path = join(parts.dataFolder, 'presets.json');
    this.#lock = parts.lock;
    this.#emit = parts.emit;
  }

  /** Empty if the file cannot be read, which is reported. */
  async list(): Promise<SavedItem[]> {
    return await this.#alone(async () => {
      try {
        return (await this.#read()).items;
      } catch (error) {
        this.#report(EngineError.from(error).message);
        return [];
      }
    });
  }

  /**
   * See `AppMethods.savedItemChange`.
   * @throws EngineError READ_ONLY, STORAGE, or BAD_REQUEST if there are too many items or the file is from a later version
   */
  async change(change: SavedItemChange): Promise<{ items: SavedItem[]; id: string | null }> {
    return await this.#alone(async () => {
      await this.#lock.assertHeld();
      const { items, unknown } = await this.#read();
      const changed = changeItems(items, change, randomUUID);
      if (changed.isChanged) {
        await writeJson(this.#path, savedItemsFile(changed.items, unknown));
        this.#emit({ type: 'savedItems', items: changed.items });
      }
      return { items: changed.items, id: changed.id };
    });
  }

  async stop(): Promise<void> {
    await this.#queue;
  }

  /** @throws EngineError STORAGE, or BAD_REQUEST for a file of a later version */
  async #read(): Promise<SavedItemsFile> {
    const read = await readJson(this.#path);
    if (read.state === 'missing') return { items: [], unknown: [] };
    let why = read.state === 'damaged' ? read.why : '';
    if (read.state === 'read') {
      try {
        return readSavedItems(read.value);
      } catch (thrown) {
        const error = EngineError.from(thrown);
        if (error.details['later'] === true) {
          const rest = `${this.#path} was not changed. Update the app to use your presets.`;
          throw new EngineError('BAD_REQUEST', `${error.message} ${rest}`, error.details, { cause: thrown });
        }
        why = error.message;
      }
    }
    // Only the instance that may write renames anything.
    if (this.#lock.problem === null) {
      const kept = await putAside(this.#path);
      this.#report(`Your presets could not be read (${why}). The old file was kept as ${kept}.`);
    } else {
      this.#report(`Your presets could not be read (${why}).`);
    }
    return { items: [], unknown: [] };
  }

  #report(message: string): void {
    if (!this.#reported.has(message)) this.#emit({ type: 'notice', message });
    this.#reported.add(message);
  }

  #alone<T>(operation: () => Promise<T>): Promise<T> {
    const running = this.#queue.then(operation);
    // A failure was reported to its own caller.
    this.#queue = running.catch(() => undefined);
    return running;
  }
}
