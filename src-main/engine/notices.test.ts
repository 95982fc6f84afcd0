import { describe, expect, it } from 'vitest';
import { describeModel, InferenceEngine } from './index.ts';
import { memoryModelFiles } from './test-support/model-files.ts';
import { type GgufChanges, rewriteGguf } from './test-support/rewrite-gguf.ts';
import { nodePlatform } from './test-support/tiny-engine.ts';
import { tinyGguf } from './test-support/tiny-gguf.ts';

const UNUSED =
  "model.gguf: tensors that the model's architecture does not have are ignored, so the output may be wrong: " +
  '"blk.0.attn_sinks.weight".';

describe('what had to be guessed or ignored in a file', () => {
  it.each<[what: string, changes: GgufChanges, expected: readonly unknown[]]>([
    ['nothing', {}, []],
    // Without an output matrix, the model uses the token table.
    ['a tensor', { tensors: { 'output.weight': { name: 'blk.0.attn_sinks.weight' } } }, [UNUSED]],
    [
      'the pre-tokenizer',
      { metadata: { 'tokenizer.ggml.pre': { type: 'string', value: 'brand-new' } } },
      [expect.stringContaining('model.gguf: tokenizer.ggml.pre is "brand-new"')],
    ],
  ])('is told with the loaded model and its description: %s', async (_what, changes, expected) => {
    const files = memoryModelFiles('changed', { 'model.gguf': await rewriteGguf(await tinyGguf('llama'), changes) });
    const engine = new InferenceEngine(nodePlatform());
    expect((await engine.load(files)).notices).toEqual(expected);
    expect(engine.model?.notices).toEqual(expected);
    expect((await engine.describe(files)).notices).toEqual(expected);
    expect((await describeModel(files)).notices).toEqual(expected);
  });
});
