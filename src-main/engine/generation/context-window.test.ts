import { beforeEach, describe, expect, it } from 'vitest';
import type { Executor } from '../executors/executor.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';
import { ContextWindow } from './context-window.ts';

const CELLS = 1000;

/** Token ids `from`, `from` + 1, ... */
const ids = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

/** An executor that computes nothing and records the number of its tokens. */
function setUp(cells = CELLS) {
  const ran: number[] = [];
  const executor: Pick<Executor, 'run'> = {
    run: ({ tokens }) => {
      ran.push(tokens.length);
      return Promise.resolve({ logits: [], taps: new Map() });
    },
  };
  const cache = new KvCache(cells);
  const window = new ContextWindow(executor, cache);
  const fill = async (wanted: readonly number[]) => {
    const reused = window.reuse(wanted);
    await window.run(wanted.slice(reused), { logits: [] });
    return reused;
  };
  return { cache, window, fill, ran };
}

describe('ContextWindow', () => {
  let set: ReturnType<typeof setUp>;
  beforeEach(() => (set = setUp()));

  it('continues from its contents', async () => {
    const { fill, window, ran } = set;
    expect(await fill(ids(10))).toBe(0);
    expect(await fill(ids(15))).toBe(10);
    // The last token is always run, because its logits are needed.
    expect(await fill(ids(15))).toBe(14);
    expect(ran).toEqual([10, 5, 1]);
    expect(window.length).toBe(15);
  });

  it('does not find what a variant ran, and a variant not what others did', async () => {
    const { fill, window, cache } = set;
    await fill(ids(100));
    window.switchTo('tapped');
    expect(await fill(ids(100))).toBe(0);
    expect(await window.probe([...ids(100), 1], 1, 'tapped', { logits: [] })).not.toBeNull();
    window.switchTo('');
    expect(await fill([...ids(100), 1])).toBe(100);
    expect(window.contents(ids(100))).toEqual({
      cells: CELLS,
      free: CELLS - 201,
      resident: 100,
      sequences: [101, 100],
      shared: 0,
    });
    window.switchTo('tapped');
    expect(await fill([...ids(100), 2])).toBe(100);
    window.switchTo('');
    window.releaseTemporary();
    expect(CELLS - cache.free).toBe(101);
    expect(await fill([...ids(100), 1, 2])).toBe(101);
  });

  describe('temporary sequences', () => {
    const look = (wanted: readonly number[]) => set.window.temporarily(() => set.fill(wanted));

    it('are released together, whether in use or kept, unless a request has extended them', async () => {
      const { fill, window, cache } = set;
      await fill(ids(100));
      await look(ids(200, 1000));
      await look(ids(200, 2000));
      expect(CELLS - cache.free).toBe(500);
      expect(await fill([...ids(200, 1000), 1])).toBe(200);
      window.releaseTemporary();
      expect(CELLS - cache.free).toBe(301);
      await look(ids(150, 3000));
      window.releaseTemporary();
      expect(CELLS - cache.free).toBe(301);
      expect(await fill([...ids(100), 1])).toBe(100);
      expect(await fill([...ids(200, 1000), 1, 2])).toBe(201);
    });

    it('are released before chats that were used longer ago', async () => {
      const { fill } = set;
      await fill(ids(300));
      await look(ids(300, 1000));
      await look(ids(300, 2000));
      await fill(ids(300, 3000));
      expect(await fill([...ids(300), 1])).toBe(300);
    });

    it('are released before chats where there are too many sequences', async () => {
      const { fill, window } = setUp(10_000);
      await fill(ids(100));
      await window.temporarily(() => fill(ids(100, 1000)));
      for (let n = 2; n <= 17; n++) await fill(ids(100, 1000 * n));
      expect(await fill([...ids(100), 1])).toBe(100);
    });

    it('are few, in the same cells', async () => {
      const { fill, window, cache } = set;
      await fill(ids(100));
      const cells = new Set<number>();
      for (let n = 1; n <= 10; n++) {
        await look(ids(200, 1000 * n));
        for (const cell of window.cells(200)) cells.add(cell);
      }
      expect(cells.size).toBe(400);
      expect(CELLS - cache.free).toBe(500);
      // The one before the last is still there, the one before that is not.
      expect(await look([...ids(200, 9000), 1])).toBe(200);
      expect(await look([...ids(200, 8000), 1])).toBe(0);
    });

    it('share what they continue with a chat, which keeps it', async () => {
      const { fill, window, cache } = set;
      await fill(ids(200));
      expect(await look([...ids(100), ...ids(50, 1000)])).toBe(100);
      expect(CELLS - cache.free).toBe(250);
      window.releaseTemporary();
      expect(CELLS - cache.free).toBe(200);
      // Neither extended nor shortened by a few tokens.
      expect(await look([...ids(200), 7, 8])).toBe(200);
      expect(await look([...ids(190), 9])).toBe(190);
      window.releaseTemporary();
      expect(CELLS - cache.free).toBe(200);
      expect(await fill([...ids(200), 1])).toBe(200);
    });

    it('are still temporary when they were only read', async () => {
      const { fill, window, cache } = set;
      const read = (wanted: readonly number[]) => window.reading(() => fill(wanted));
      await fill(ids(100));
      await look(ids(200, 1000));
      expect(await read([...ids(200, 1000), 1])).toBe(200);
      expect(await read([...ids(100, 1000), 1])).toBe(100);
      // As a sequence that was there before.
      await read([...ids(100), 1]);
      window.releaseTemporary();
      expect(CELLS - cache.free).toBe(101);
      expect(await fill([...ids(100), 1, 2])).toBe(101);
    });

    it('do not take the place of a short chat', async () => {
      const { fill, window } = set;
      await fill(ids(20));
      await look(ids(30, 1000));
      window.releaseTemporary();
      expect(await fill([...ids(20), 1])).toBe(20);
    });

    it('are kept longer when they are probed', async () => {
      const { fill, window } = set;
      const [a, b] = [ids(100, 1000), ids(100, 2000)];
      const probe = (wanted: readonly number[]) => window.probe([...wanted, 1], 1, '', { logits: [] });
      await look(a);
      await look(b);
      await fill(ids(100));
      expect(await probe(a)).not.toBeNull();
      await look(ids(100, 3000));
      expect(await probe(a)).not.toBeNull();
      expect(await probe(b)).toBeNull();
    });
  });

  it('runs a token after a prefix of any sequence, and leaves all sequences as they are', async () => {
    const { fill, window, cache, ran } = set;
    await fill(ids(100));
    expect(await window.probe([...ids(60), 7], 1, '', { logits: [] })).not.toBeNull();
    expect(await window.probe([...ids(60, 1), 7], 1, '', { logits: [] })).toBeNull();
    expect(await window.probe([...ids(60), 7], 1, 'tapped', { logits: [] })).toBeNull();
    expect(await window.probe([7], 1, 'tapped', { logits: [] })).not.toBeNull();
    expect(ran).toEqual([100, 1, 1]);
    expect([window.length, CELLS - cache.free]).toEqual([100, 100]);
  });

  it('runs a token after a prefix of a window that fills all cells', async () => {
    const { fill, window, cache } = set;
    await fill(ids(100, 5000));
    await fill(ids(CELLS));
    expect(cache.free).toBe(0);
    expect(await window.probe([...ids(60), 7], 1, '', { logits: [] })).not.toBeNull();
    expect(await window.probe(ids(CELLS), 1, '', { logits: [] })).not.toBeNull();
    expect([window.length, cache.free]).toEqual([CELLS - 1, 1]);
    // As without the probes.
    expect(await fill(ids(CELLS))).toBe(CELLS - 1);
  });

  it('reuses each of several chats', async () => {
    const { fill } = set;
    const [a, b] = [ids(100), ids(100, 5000)];
    await fill(a);
    expect(await fill(b)).toBe(0);
    expect(await fill([...a, 1])).toBe(100);
    expect(await fill([...b, 1])).toBe(100);
    expect(await fill([...a, 1, 2])).toBe(101);
  });

  it('keeps both branches of an edited chat, which share the cells of their common prefix', async () => {
    const { fill, cache } = set;
    const first = [...ids(100), ...ids(200, 1000)];
    const second = [...ids(100), ...ids(200, 2000)];
    await fill(first);
    expect(await fill(second)).toBe(100);
    expect(CELLS - cache.free).toBe(500);
    expect(await fill([...first, 1])).toBe(300);
    expect(await fill([...second, 1])).toBe(300);
  });

  it('recomputes a short suffix instead of keeping it', async () => {
    const { fill, cache } = set;
    await fill(ids(100));
    expect(await fill([...ids(90), ...ids(10, 500)])).toBe(90);
    expect(CELLS - cache.free).toBe(100);
  });

  it('frees cells by releasing the least recently used sequence', async () => {
    const { fill, cache } = set;
    await fill(ids(400));
    await fill(ids(400, 1000));
    await fill(ids(400, 2000));
    expect(cache.free).toBe(200);
    expect(await fill([...ids(400, 1000), 1])).toBe(400);
    expect(await fill(ids(400))).toBe(0);
  });

  it('finds contiguous cells for a prompt that is prefilled in slices', async () => {
    const { fill, window } = set;
    await fill(ids(100));
    // Kept along with the following sequences until they need its cells.
    await fill(ids(700, 5000));
    const long = ids(800, 2000);
    expect(window.reuse(long)).toBe(0);
    for (let from = 0; from < long.length; from += 200) {
      await window.run(long.slice(from, from + 200), { logits: [] });
    }
    const cells = window.cells(long.length);
    expect(cells).toEqual(Int32Array.from({ length: long.length }, (_, i) => cells[0] + i));
  });

  it('fills all cells, and reports when none are left', async () => {
    const { fill, window, cache } = set;
    await fill(ids(100));
    await fill(ids(CELLS, 1000));
    expect(cache.free).toBe(0);
    await expect(window.run([1], { logits: [] })).rejects.toMatchObject({ code: 'CONTEXT_FULL' });
    expect(window.length).toBe(CELLS);
  });

  it('starts empty and still reuses what was there before', async () => {
    const { fill, window } = set;
    await fill(ids(100));
    window.fresh();
    expect(window.length).toBe(0);
    await window.run(ids(10, 7000), { logits: [] });
    window.clear();
    expect(window.length).toBe(0);
    expect(await fill(ids(101))).toBe(100);
  });

  it('is unchanged after a failure', async () => {
    const { cache } = set;
    const failing: Pick<Executor, 'run'> = {
      run: () => Promise.reject(new Error('broken')),
    };
    const window = new ContextWindow(failing, cache);
    await expect(window.run(ids(10), { logits: [] })).rejects.toThrow('broken');
    expect([window.length, cache.free]).toEqual([0, CELLS]);
  });

  it('keeps no more sequences than its limit', async () => {
    const { fill, cache } = set;
    for (let chat = 0; chat < 40; chat++) await fill(ids(20, chat * 100));
    // Twenty tokens are not worth a separate sequence: the next ones overwrite them.
    expect(CELLS - cache.free).toBe(20);
    const other = setUp();
    const long = (chat: number) => ids(30, chat * 100).concat(ids(36, chat * 100 + 50));
    for (let chat = 0; chat < 15; chat++) await other.fill(long(chat));
    expect(CELLS - other.cache.free).toBe(15 * 66);
  });

  it('forks the oldest kept sequence before it releases it to keep another', async () => {
    const { fill, window, cache } = setUp(20_000);
    const chat = (n: number) => ids(150, n * 1000);
    for (let n = 0; n < 17; n++) await fill(chat(n));
    // Regenerating in the first one: all others are newer, and the current one is about to be kept, too.
    const again = [...ids(49), ...ids(40, 900_000)];
    expect(await fill(again)).toBe(49);
    expect(window.length).toBe(again.length);
    expect(cache.tokens(17)).toEqual(again);
    expect(await fill([...chat(0), 1])).toBe(150);
  });

  it('keeps at most 16 sequences, whatever their origin', async () => {
    const { fill, cache } = setUp(20_000);
    const version = (n: number) => [...ids(50), ...ids(100, 1000 * (n + 1))];
    for (let n = 0; n < 57; n++) await fill(version(n));
    // Their common prefix is shared; beside the 16 there is the one in use.
    expect(20_000 - cache.free).toBe(50 + 17 * 100);
  });
});
