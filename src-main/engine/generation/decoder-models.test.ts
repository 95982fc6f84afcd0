import { describe, expect, it } from 'vitest';
import { defaultGenerateParams, InferenceEngine } from '../index.ts';
import { reply, nodePlatform } from '../test-support/tiny-engine.ts';
import { readTinyGolden, TINY_MODELS, tinyGgufFiles } from '../test-support/tiny-gguf.ts';

/** One of each architecture. */
const ARCHITECTURES = TINY_MODELS.filter((name) => readTinyGolden(name).arch === name);

describe.each(ARCHITECTURES)('an engine with %s', (name) => {
  const { prompt, greedy, n_ctx, special_tokens } = readTinyGolden(name);

  async function load() {
    const engine = new InferenceEngine(nodePlatform());
    await engine.load(await tinyGgufFiles(name), { contextSize: n_ctx });
    return engine;
  }

  function request() {
    const params = defaultGenerateParams({ kind: 'ids', ids: prompt });
    params.sampling.temperature = 0;
    params.stop.maxTokens = greedy.length;
    return params;
  }

  it('generates the greedy reply of llama.cpp', async () => {
    const engine = await load();
    const { tokens, end } = await reply(engine, request());
    const ids = greedy.map(({ id }) => id);
    const ends = ids.findIndex((id) => special_tokens.eog.includes(id));
    expect(tokens.map(({ id }) => id)).toEqual(ends === -1 ? ids : ids.slice(0, ends));
    expect(end.stop.reason).toBe(ends === -1 ? 'max_tokens' : 'eos');
    expect(end.contextUsed).toBeLessThanOrEqual(n_ctx);
    expect(engine.model).toMatchObject({ architecture: name, contextSize: n_ctx, hasChatRoles: true });
  });

  it('reports every step', async () => {
    const engine = await load();
    const { sampling, stop } = request();
    const seen = await engine.inspect({ prompt: { kind: 'ids', ids: prompt }, sampling, stop, topCandidates: 3 });
    expect(seen.positionEmbedding === null).toBe(name !== 'gpt2');
    expect(seen.layers).toHaveLength(engine.model!.layers);
    for (const { attention } of seen.layers) {
      const [, tokens, context] = attention.shape;
      for (let row = 0; row < attention.values.length; row += context) {
        const weights = attention.values.slice(row, row + context);
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
        expect(weights.slice(((row / context) % tokens) + 1).every((weight) => weight === 0)).toBe(true);
      }
    }
    expect(seen.sampling.chosen.id).toBe(greedy[0].id);
  });

  it('formats a chat with its template, with one BOS, and scores a text as probable', async () => {
    const engine = await load();
    const messages = [{ role: 'user' as const, text: 'Hello world' }];
    const text = ['gemma2', 'gemma3'].includes(name)
      ? '<bos><start_of_turn>user\nHello world<end_of_turn>\n<start_of_turn>model\n'
      : '<|im_start|>user\nHello world<|im_end|>\n<|im_start|>assistant\n';
    const { start } = await reply(engine, { ...request(), prompt: { kind: 'chat', messages } });
    const addBos = !text.startsWith('<bos>');
    expect(start.promptIds).toEqual(engine.tokenize({ text, addBos, parseSpecial: true }).ids);
    const { perplexity } = await engine.score({ prompt: { kind: 'ids', ids: prompt }, top: 1 });
    expect(perplexity).toBeGreaterThan(1);
  });
});
