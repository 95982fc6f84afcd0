import type { CancelToken, Logger, PrefixStore } from '../api/platform.ts';
import { EngineError } from '../api/errors.ts';
import type { CellAccess } from '../executors/executor.ts';
import type { ContextWindow } from '../generation/context-window.ts';
import { BLOCK_TOKENS, blockBytes, blockKeys, packBlock, unpackBlock } from './blocks.ts';

export interface PrefixCacheOptions {
  store: PrefixStore;
  log: Logger;
  /** See `modelKey`. */
  model: string;
  cells: CellAccess;
  context: ContextWindow;
}

/** The prefix cache for one request of a chat. */
export interface StoredPrefix {
  /**
   * Extends the window by blocks of the store, as far as they go.
   * @param ids of the prompt. Its last token is always computed
   */
  restore(ids: readonly number[], cancel?: CancelToken): Promise<void>;
  /**
   * Stores the blocks of `ids` that the window holds and the store lacks.
   * @param alone runs a step while no request uses the window, or not at all if the model is gone
   */
  save(ids: readonly number[], alone: (step: () => Promise<void>) => Promise<void>): Promise<void>;
}

/**
 * K and V of earlier prompts and replies of one model, beyond the process: what the window lacks of a prompt is read from
 * the store, and what it holds after a reply is written there. K and V are stored as they are, so replies are the same.
 * Nothing here fails a reply: what cannot be read is computed, and what cannot be written is logged.
 */
export class PrefixCache {
  /** Blocks known to be in the store. */
  private readonly stored = new Set<string>();
  /** Whether writing failed, as with a full disk: it is not tried again before the cache is cleared or the model reloaded. */
  private cannotWrite = false;
  /** Counts deletions: requests that began before one store nothing, because they may be of a deleted chat. */
  private deletions = 0;

  constructor(private readonly options: PrefixCacheOptions) {}

  /** For a request that begins now. */
  of(chat: string): StoredPrefix {
    const { deletions } = this;
    const isValid = () => this.deletions === deletions;
    return {
      restore: (ids, cancel) => this.restore(chat, ids, cancel),
      save: (ids, alone) => this.save(chat, ids, isValid, alone),
    };
  }

  /** Called before something in the store is deleted. */
  invalidate(): void {
    this.deletions++;
    this.stored.clear();
    this.cannotWrite = false;
  }

  private async restore(chat: string, ids: readonly number[], cancel: CancelToken | undefined): Promise<void> {
    const { store, context, cells, model, log } = this.options;
    const wanted = ids.length - 1;
    const held = context.contents(ids).resident;
    if (wanted - held < BLOCK_TOKENS) return;
    try {
      const keys = await blockKeys(store.sha256, model, ids.slice(0, wanted));
      const first = Math.floor(held / BLOCK_TOKENS);
      let block = first;
      let next = this.read(keys[first]);
      for (; block < keys.length && !cancel?.cancelled; block++) {
        const bytes = await next;
        if (bytes === undefined) {
          // Evicted, or cleared by another process.
          for (const key of keys.slice(block)) this.stored.delete(key);
          break;
        }
        // The next one is read while this one is checked.
        next = block + 1 < keys.length ? this.read(keys[block + 1]) : Promise.resolve(undefined);
        const kv = await unpackBlock(store.sha256, keys[block], bytes, BLOCK_TOKENS * cells.bytesPerCell);
        if (kv === null) {
          log.warn('A damaged or outdated file of the prefix cache was ignored.', { key: keys[block] });
          await store.delete(keys[block]);
          this.stored.delete(keys[block]);
          break;
        }
        if (block === first) {
          context.reuse(ids);
          context.truncate(block * BLOCK_TOKENS);
        }
        cells.write(context.adopt(ids.slice(block * BLOCK_TOKENS, (block + 1) * BLOCK_TOKENS)), kv);
        this.stored.add(keys[block]);
      }
      await next;
      if (block > first) await store.use(chat, keys.slice(0, block));
    } catch (error) {
      log.warn('The prefix cache could not be read.', describe(error));
    }
  }

  private read(key: string): Promise<Uint8Array | undefined> {
    const block = this.options.store.get(key);
    // It fails where it is awaited, unless reading ends before.
    block.catch(() => undefined);
    return block;
  }

  private async save(
    chat: string,
    ids: readonly number[],
    isValid: () => boolean,
    alone: (step: () => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const { store, context, cells, model, log } = this.options;
    if (this.cannotWrite || !isValid()) return;
    try {
      // The blocks beyond would be deleted at once, and written again after each reply.
      const most = store.capacity(blockBytes(cells.bytesPerCell));
      const keys = await blockKeys(store.sha256, model, ids.slice(0, most * BLOCK_TOKENS));
      const start = Date.now();
      // First, so that whatever is stored can be deleted with its chat; the last time is the one that counts.
      await store.use(chat, keys);
      for (const [block, key] of keys.entries()) {
        if (this.stored.has(key)) continue;
        let evicted: readonly string[] = [];
        if (!(await store.has(key))) {
          let kv: Uint8Array | null = null;
          await alone(async () => {
            const found = context.cellsOf(ids.slice(0, (block + 1) * BLOCK_TOKENS));
            if (found !== null) kv = cells.read(found.subarray(block * BLOCK_TOKENS));
          });
          // Another chat has taken the cells.
          if (kv === null) break;
          const packed = await packBlock(store.sha256, key, kv);
          if (!isValid()) return;
          // As `use` does, so that the end of the chat is deleted before its beginning.
          evicted = await store.set(key, packed, start - block);
        }
        if (!isValid()) {
          // It was deleted meanwhile, and then written.
          await store.delete(key);
          return;
        }
        this.stored.add(key);
        for (const gone of evicted) this.stored.delete(gone);
        // Those after it would be deleted, too.
        if (evicted.includes(key)) break;
      }
      await store.use(chat, keys);
    } catch (error) {
      // It was cleared, perhaps with the file that was being written.
      if (!isValid()) return;
      this.cannotWrite = true;
      log.warn('The prefix cache could not be written, and is left as it is.', describe(error));
    }
  }
}

function describe(error: unknown): { message: string } {
  return { message: EngineError.from(error).message };
}
