/**
 * Requirements for every store of the prefix cache. Plain functions without a test framework, so that the same cases run
 * in Node and inside a page.
 */
import type { PrefixStore } from '../api/platform.ts';
import { ContextWindow } from '../generation/context-window.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';
import { BLOCK_TOKENS, blockBytes } from '../prefix-cache/blocks.ts';
import { PrefixCache } from '../prefix-cache/prefix-cache.ts';

export interface PrefixStoreCase {
  name: string;
  /** @param open opens the store, which is empty when the case begins; blocks beyond the limit are deleted */
  run(open: (limitBytes: number) => PrefixStore): Promise<void>;
}

const KB = 1024;
const MUCH = 1024 * KB;

const key = (i: number) => i.toString(16).padStart(64, '0');
const block = (i: number) => new Uint8Array(KB).fill(i);

export const PREFIX_STORE_CASES: readonly PrefixStoreCase[] = [
  {
    name: 'returns what was stored, until it is deleted',
    async run(open) {
      const store = open(MUCH);
      equal(await store.get(key(1)), undefined, 'an empty store has no block');
      equal(await store.has(key(1)), false, 'nor its key');
      await store.set(key(1), block(1));
      await store.set(key(2), block(2));
      await store.set(key(2), block(3));
      const other = open(MUCH);
      equal((await other.get(key(1)))?.join(), block(1).join(), 'the first block');
      equal((await other.get(key(2)))?.join(), block(3).join(), 'the replaced block');
      equal(await other.has(key(1)), true, 'the first key');
      equal((await other.size()).bytes, 2 * KB, 'the size of two');
      await other.delete(key(1));
      await other.delete(key(1));
      equal(await store.get(key(1)), undefined, 'the deleted block');
      equal((await store.size()).bytes, KB, 'the size of one');
      await store.clear();
      equal(JSON.stringify(await store.size()), JSON.stringify({ bytes: 0, limit: MUCH }), 'the size of none');
    },
  },
  {
    name: 'deletes the blocks of a chat that no other chat has used',
    async run(open) {
      const store = open(MUCH);
      for (let i = 0; i < 5; i++) await store.set(key(i), block(i));
      await store.use('first', [key(0), key(1)]);
      await store.use('first', [key(0), key(2), key(9)]);
      await store.use('second', [key(0), key(3)]);
      const other = open(MUCH);
      await other.deleteChat('first');
      await other.deleteChat('never-seen');
      equal(await present(store, 5), '0 3 4', 'blocks after the first chat was deleted');
      await store.deleteChat('second');
      equal(await present(store, 5), '4', 'blocks after the second chat was deleted');
      await store.use('third', [key(4)]);
      await store.clear();
      await store.set(key(4), block(4));
      await store.deleteChat('third');
      equal(await present(store, 5), '4', 'blocks of a chat from before everything was deleted');
    },
  },
  {
    name: 'deletes what was used least recently, the end of a chat before its beginning',
    async run(open) {
      const store = open(64 * KB);
      for (let i = 0; i < 64; i++) await store.set(key(i), block(i));
      await pause();
      await store.use('old', [key(0), key(1), key(2)]);
      await pause();
      // A folder is looked at with every 32nd block.
      for (let i = 64; i < 97; i++) await store.set(key(i), block(i));
      const { bytes } = await store.size();
      equal(bytes <= 64 * KB, true, `${bytes} bytes are not above the limit`);
      equal(await present(store, 3), '0 1 2', 'blocks that were used last');
      equal(await store.has(key(3)), false, 'one that was not');
      equal(await store.has(key(96)), true, 'the newest block');
    },
  },
  {
    name: 'deletes the end of a chat before its beginning, also while the chat is stored',
    async run(open) {
      const store = open(64 * KB);
      const start = Date.now();
      const deleted: string[] = [];
      for (let i = 0; i < 97; i++) deleted.push(...(await store.set(key(i), block(i), start - i)));
      const left = await present(store, 97);
      equal(left.startsWith('0 1 2 3 4 5 6 7 8 9 '), true, `${left} are blocks from the beginning on`);
      const gone: number[] = [];
      for (let i = 0; i < 97; i++) if (!(await store.has(key(i)))) gone.push(i);
      equal(deleted.sort().join(), gone.map(key).join(), 'the keys of deleted blocks');
    },
  },
  {
    name: 'restores the beginning of a chat that exceeds the limit when it is first stored',
    async run(open) {
      const limitBlocks = 40;
      const limit = limitBlocks * blockBytes(BYTES_PER_CELL);
      const ids = Array.from({ length: (limitBlocks + 20) * BLOCK_TOKENS }, (_, i) => (i * 7) % 50);
      const other = ids.slice(0, 5 * BLOCK_TOKENS).reverse();
      const stored = open(limit);
      const first = cacheOn(stored, ids.length);
      for (const prompt of [other, ids]) {
        first.context.fresh();
        await first.context.run(prompt, { logits: [] });
        await first.cache.of(prompt === ids ? 'long' : 'short').save(prompt, (step) => step());
        // Longer than the blocks of the second are dated back.
        await pause(2 * limitBlocks);
      }
      const written = stored.capacity(blockBytes(BYTES_PER_CELL));
      equal(written > limitBlocks / 2 && written <= limitBlocks, true, `${written} blocks fit into ${limitBlocks}`);
      const again = cacheOn(open(limit), ids.length);
      await again.cache.of('long').restore(ids);
      equal(again.context.length, written * BLOCK_TOKENS, 'restored tokens');
    },
  },
  {
    name: 'may be used by two at once',
    async run(open) {
      const stores = [open(64 * KB), open(64 * KB)];
      const work = async (store: PrefixStore, chat: string) => {
        for (let i = 0; i < 100; i++) {
          await store.set(key(i % 70), block(i % 70));
          const found = await store.get(key((i * 3) % 70));
          if (found !== undefined) equal(found.join(), block((i * 3) % 70).join(), `block ${(i * 3) % 70}`);
          if (i % 10 === 0) await store.use(chat, [key(i % 70)]);
        }
      };
      await Promise.all(stores.map((store, i) => work(store, `chat-${i}`)));
      equal((await stores[0].size()).bytes <= 96 * KB, true, 'bytes are not far above the limit');
    },
  },
  {
    name: 'hashes',
    async run(open) {
      const hash = await open(MUCH).sha256(new TextEncoder().encode('abc'));
      const hex = [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      // FIPS 180-2, appendix B.1.
      equal(hex, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'SHA-256 of abc');
    },
  },
];

const BYTES_PER_CELL = 16;

/** The prefix cache of a model that computes nothing. */
function cacheOn(store: PrefixStore, tokens: number): { cache: PrefixCache; context: ContextWindow } {
  const run = () => Promise.resolve({ logits: [], taps: new Map<string, never>() });
  const context = new ContextWindow({ run }, new KvCache(2 * tokens));
  const cells = {
    bytesPerCell: BYTES_PER_CELL,
    read: ({ length }: Int32Array) => new Uint8Array(length * BYTES_PER_CELL),
    write: () => undefined,
  };
  const log = {
    debug: () => undefined,
    warn: (message: string, details: unknown) => {
      throw new Error(`${message} ${JSON.stringify(details)}`);
    },
  };
  return { cache: new PrefixCache({ store, log, model: 'a model', cells, context }), context };
}

/** Which of the first keys the store has. */
async function present(store: PrefixStore, count: number): Promise<string> {
  const found: number[] = [];
  for (let i = 0; i < count; i++) if (await store.has(key(i))) found.push(i);
  return found.join(' ');
}

/** Times of use are in ms. */
function pause(ms = 20): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function equal(actual: unknown, expected: unknown, what: string): void {
  if (!Object.is(actual, expected)) throw new Error(`${what}: expected ${String(expected)}, got ${String(actual)}`);
}
