import { describe, expect, it } from 'vitest';
import { createReferenceExecutor } from '../../executors/reference/reference-executor.ts';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import type { WeightStore } from '../../program/weights.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { CONFIG_SPELLINGS, HF_FOLDERS, hfFolder, hfFolderWith, readHfGolden } from '../../test-support/hf-fixtures.ts';
import { buildProgram } from '../architectures/index.ts';
import { openTokenizer } from '../open-tokenizer.ts';
import { openHfFolder } from './open-folder.ts';
import type { Hyperparameters } from '../hyperparameters.ts';

/** Long enough for prompt and reply, and short enough that phi3-longrope stays in its original context. */
const CONTEXT = 128;

/** The model of a folder, ready to run. */
async function load(folder: string, config: (typeof CONFIG_SPELLINGS)[number]) {
  const source = await openHfFolder(hfFolder(folder, config));
  const program = buildProgram(source, CONTEXT);
  const tensors = new Map<string, Tensor>();
  for (const { name, shape } of program.weights) {
    source.weights.check(name, shape);
    tensors.set(name, await source.weights.readTensor(name, { shape }));
  }
  const weights: WeightStore = { bytes: 0, get: (name) => tensors.get(name)! };
  return { executor: createReferenceExecutor(program, weights, { cells: CONTEXT }), cache: new KvCache(CONTEXT) };
}

async function run({ executor, cache }: Awaited<ReturnType<typeof load>>, ids: readonly number[]) {
  const { tokens, cells, positions, context } = cache.append(0, ids);
  const sequences = new Int32Array(ids.length);
  const { logits } = await executor.run(
    { tokens, cells, positions, sequences, contexts: [context] },
    { logits: ids.map((_, i) => i) },
  );
  return Promise.all(logits.map((row) => row.read()));
}

const argmax = (logits: Float32Array) => logits.indexOf(Math.max(...logits));

describe.each(HF_FOLDERS)('the Hugging Face folder %s', (folder) => {
  const golden = readHfGolden(folder);

  it.each(CONFIG_SPELLINGS)('computes what transformers computes, with %s', async (config) => {
    const model = await load(folder, config);
    const logits = await run(model, golden.prompt);
    golden.full_logits.positions.forEach((position, i) => {
      const difference = golden.full_logits.values[i].map((value, id) => Math.abs(value - logits[position][id]));
      expect(Math.max(...difference), `position ${position}`).toBeLessThan(2e-4);
    });
    expect(logits.map(argmax)).toEqual(golden.per_position.map((position) => position.argmax));

    const greedy = [argmax(logits.at(-1)!)];
    while (greedy.length < golden.greedy.length) greedy.push(argmax((await run(model, [greedy.at(-1)!]))[0]));
    expect(greedy).toEqual(golden.greedy.map(({ id }) => id));
  });

  it('reads the same model from every spelling', async () => {
    const [first, ...others] = await Promise.all(
      CONFIG_SPELLINGS.map(async (config): Promise<Hyperparameters> => {
        return (await openHfFolder(hfFolder(folder, config))).hyperparameters;
      }),
    );
    for (const other of others) expect(other).toEqual(first);
  });

  const { tokenize = [], chat = [] } = golden;
  if (tokenize.length === 0) return;
  it('tokenizes and decodes as tokenizers does', async () => {
    const { tokenizer } = await openHfFolder(hfFolder(folder));
    for (const { text, add_special, ids, decoded, decoded_skip_special } of tokenize) {
      expect(tokenizer.encode(text, { addSpecial: add_special, parseSpecial: true }), text).toEqual(ids);
      expect(tokenizer.decode(ids, false)).toBe(decoded);
      expect(tokenizer.decode(ids, true)).toBe(decoded_skip_special);
    }
    for (const { text, ids } of chat) {
      expect(tokenizer.encode(text, { addSpecial: false, parseSpecial: true }), text).toEqual(ids);
    }
  });
});

describe('the flags of tokenizer_config.json', () => {
  const [BOS, EOS] = [315, 314];
  const bare = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const withBos = undefined;

  it.each([
    ['LlamaTokenizerFast', { add_bos_token: true }, bare, [BOS], []],
    ['LlamaTokenizer', { add_bos_token: true, add_eos_token: true }, withBos, [BOS], [EOS]],
    ['GemmaTokenizer', { add_bos_token: false }, withBos, [], []],
    ['LlamaTokenizerFast', { add_bos_token: true, bos_token: '<|none|>' }, bare, [], []],
    ['LlamaTokenizerFast', {}, bare, [], []],
    ['LlamaTokenizerFast', {}, withBos, [BOS], []],
    ['PreTrainedTokenizerFast', { add_bos_token: true }, bare, [], []],
    ['PreTrainedTokenizerFast', { add_bos_token: false }, withBos, [BOS], []],
  ])('decide for the classes that follow them: %s, %j', async (name, flags, postProcessor, before, after) => {
    const files = hfFolderWith('llama', {
      'tokenizer_config.json': { tokenizer_class: name, ...flags },
      ...(postProcessor && { 'tokenizer.json': { post_processor: postProcessor } }),
    });
    for (const { tokenizer } of [await openHfFolder(files), { tokenizer: await openTokenizer(files, () => {}) }]) {
      const text = tokenizer.encode('x', { addSpecial: false });
      expect(tokenizer.encode('x')).toEqual([...before, ...text, ...after]);
    }
  });
});
