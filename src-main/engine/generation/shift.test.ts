import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultGenerateParams, InferenceEngine, type GenerateParams } from '../index.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../test-support/model-files.ts';
import { ScriptedEngine } from '../test-support/scripted-model.ts';
import { nodePlatform, reply } from '../test-support/tiny-engine.ts';
import type { DroppedTokens, GenerateStart, PromptInput } from '../api/types.ts';
import { shift } from './shift.ts';

function greedy(prompt: PromptInput, maxTokens: number): GenerateParams {
  const params = defaultGenerateParams(prompt);
  return {
    ...params,
    sampling: { ...params.sampling, temperature: 0 },
    stop: { ...params.stop, maxTokens, ignoreEos: true, repetitionWindow: 0 },
  };
}

describe('shift', () => {
  it('keeps the start and the newest, fits, and drops at most half', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 100 }),
        fc.nat(100),
        fc.integer({ min: 1, max: 500 }),
        (size, kept, length) => {
          const sequence = Array.from({ length }, (_, i) => i);
          const { ids, dropped } = shift(sequence, size, kept);
          expect(ids.length).toBe(length - dropped);
          expect(ids.length).toBeLessThanOrEqual(size);
          if (length <= size) expect(dropped).toBe(0);
          else expect(ids.length).toBeGreaterThanOrEqual(Math.floor(size / 2));
          const stays = Math.min(kept, size >> 1);
          const from = dropped === 0 ? 0 : stays;
          expect(ids.slice(0, from)).toEqual(sequence.slice(0, from));
          expect(ids.slice(from)).toEqual(sequence.slice(from + dropped));
        },
      ),
    );
  });
});

describe('a reply in a full window', () => {
  const vocabulary = ['<BOS>', '<EOS>', '<UNK>', 'a', 'b', 'c', 'd'];
  const scripted = () => new ScriptedEngine({ vocabulary, next: (ids) => 3 + (ids.length % 4), contextSize: 12 });

  it('stops', async () => {
    const { end } = await scripted().run(greedy({ kind: 'text', text: 'a b c' }, 30));
    expect(end).toMatchObject({ stop: { reason: 'context_full' }, contextUsed: 12 });
    expect(end.ids).toHaveLength(8);
    expect(end).not.toHaveProperty('dropped');
  });

  it('continues with the newer half, which alone is prefilled again', async () => {
    const engine = scripted();
    const { end } = await engine.run(greedy({ kind: 'text', text: 'a b c', whenFull: 'shift' }, 16));
    expect(end.ids).toHaveLength(16);
    expect(end.stop).toEqual({ reason: 'max_tokens', maxTokens: 16, droppedTokens: 10 });
    // 12 of 13 tokens fit: five of the eleven after BOS are dropped, at tokens 13 and 18. All of the prompt but BOS, and
    // seven of the reply.
    expect(end.dropped).toEqual({ total: 10, segments: [], reply: 7 });
    expect(end.contextUsed).toBe(10);
    // The prompt, eight tokens; then BOS is reused and seven are prefilled again. Four more fill the window again.
    expect(engine.batches).toEqual([4, 1, 1, 1, 1, 1, 1, 1, 1, 7, 1, 1, 1, 1, 7, 1]);
  });

  it('of a chat that does not fit loses its oldest turns first, as with drop_oldest', async () => {
    const messages = ['a a a', 'b b b', 'c c c', 'd d d', 'a b c'].map((text, i) => {
      return { role: i % 2 === 0 ? ('user' as const) : ('assistant' as const), text };
    });
    const chat = { kind: 'chat', messages } as const;
    await expect(scripted().run(greedy(chat, 2))).rejects.toMatchObject({ code: 'CONTEXT_FULL' });
    const dropped = await scripted().run(greedy({ ...chat, whenFull: 'drop_oldest' }, 2));
    const shifted = await scripted().run(greedy({ ...chat, whenFull: 'shift' }, 2));
    expect(shifted.start.promptIds).toEqual(dropped.start.promptIds);
    expect(shifted.start.segments.filter((segment) => segment.dropped)).not.toHaveLength(0);
  });
});

describe('the window after a shift', () => {
  const vocabulary = ['<BOS>', '<EOS>', '<UNK>', 'a', 'b', 'c', 'd'];

  it('is reported with the next token and at the end, by part', async () => {
    const engine = new ScriptedEngine({ vocabulary, next: (ids) => 3 + (ids.length % 4), contextSize: 16 });
    const messages = [
      { role: 'system' as const, text: 'a' },
      { role: 'user' as const, text: 'b b b' },
      { role: 'assistant' as const, text: 'c c' },
      { role: 'user' as const, text: 'd d d' },
    ];
    const prompt = { kind: 'chat', messages, whenFull: 'shift' } as const;
    const params = { ...greedy(prompt, 40) };
    let start: GenerateStart | null = null;
    let dropped: DroppedTokens = { total: 0, segments: [0, 0, 0, 0], reply: 0 };
    let written = 0;
    let shifts = 0;
    for await (const event of engine.events(params)) {
      if (event.type === 'start') {
        start = event;
        expect(event.segments.map(({ tokens }) => tokens)).toEqual([1, 3, 2, 3]);
        continue;
      }
      if (event.type === 'prefill' || event.type === 'moved') continue;
      if (event.type === 'token') written++;
      if (event.dropped !== undefined) {
        dropped = event.dropped;
        if (event.type === 'token') shifts++;
      }
      // What is left of each part, and BOS, which belongs to none.
      const left = start!.segments.map(({ tokens }, i) => tokens - dropped.segments[i]);
      const used = start!.promptIds.length + written - dropped.total;
      expect(1 + left.reduce((a, b) => a + b) + written - dropped.reply).toBe(used);
      expect(Math.min(...left)).toBeGreaterThanOrEqual(0);
      expect(used).toBeLessThanOrEqual(16);
      if (event.type === 'end') {
        expect(event.contextUsed).toBe(used);
        expect(left).toEqual([1, 0, 0, 0]);
      }
    }
    expect(shifts).toBeGreaterThan(2);
  });
});

describe('TinyTransformer, whose positions end with its window', () => {
  it('continues as if the remaining tokens were the whole prompt', async () => {
    const engine = new InferenceEngine(nodePlatform());
    const contextSize = 48;
    const model = await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR), { contextSize });
    const { start, end } = await reply(
      engine,
      greedy({ kind: 'text', text: 'Once upon a time', whenFull: 'shift' }, 90),
    );
    expect(end.ids).toHaveLength(90);
    expect(start.promptIds[0]).toBe(model.bosTokenId);
    for (const at of [20, 50, 89]) {
      const { ids } = shift([...start.promptIds, ...end.ids.slice(0, at)], contextSize, 1);
      expect(ids[0]).toBe(model.bosTokenId);
      const next = await reply(engine, greedy({ kind: 'ids', ids: [...ids], whenFull: 'shift' }, 1));
      expect(next.end.ids).toEqual([end.ids[at]]);
    }
    await engine.unload();
  });

  it('continues a reply that is longer than the window as if it had not stopped', async () => {
    const engine = new InferenceEngine(nodePlatform());
    await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR), { contextSize: 48 });
    const chat = {
      kind: 'chat',
      messages: [{ role: 'user', text: 'Once upon a time' }],
      whenFull: 'shift',
    } satisfies PromptInput;
    const whole = await reply(engine, greedy(chat, 90));
    for (const at of [30, 60]) {
      const rest = await reply(engine, greedy({ ...chat, replyIds: whole.end.ids.slice(0, at) }, 90 - at));
      expect(rest.end.ids).toEqual(whole.end.ids.slice(at));
      expect(rest.end.contextUsed).toBe(whole.end.contextUsed);
    }
    // Only what was generated may be longer, not what a person wrote.
    const text = 'the cat '.repeat(60);
    await expect(reply(engine, greedy({ ...chat, messages: [{ role: 'user', text }] }, 1))).rejects.toMatchObject({
      code: 'CONTEXT_FULL',
    });
    await engine.unload();
  });

  it('says of a stored reply what it dropped', async () => {
    const engine = new InferenceEngine(nodePlatform());
    await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR), { contextSize: 48 });
    const messages = ['Once upon a time', ' there was a girl.', 'She had a cat'].map((text, i) => {
      return { role: i % 2 === 0 ? ('user' as const) : ('assistant' as const), text };
    });
    const chat = { kind: 'chat', messages, whenFull: 'shift' } satisfies PromptInput;
    for (const maxTokens of [5, 40, 90]) {
      const { start, end } = await reply(engine, greedy(chat, maxTokens));
      const { kind: _, ...prompt } = chat;
      const stored = engine.renderChat({ ...prompt, maxTokens, replyTokens: end.ids.length });
      expect(stored.ids).toEqual(start.promptIds);
      expect(stored.segments).toEqual(start.segments);
      expect(stored.dropped).toEqual(end.dropped);
    }
    await engine.unload();
  });
});
