import { describe, expect, it } from 'vitest';
import { memoryModelFiles } from '../../test-support/model-files.ts';
import { safetensorsBytes } from '../../test-support/safetensors.ts';
import { SafetensorsFolder } from './safetensors-folder.ts';

/** A file with one F32 tensor of two values per name. */
function file(...names: string[]): Uint8Array {
  const header = names.map((name, i) => [name, { dtype: 'F32', shape: [2], data_offsets: [8 * i, 8 * i + 8] }]);
  const values = Float32Array.from({ length: 2 * names.length }, (_, i) => i + 1);
  return safetensorsBytes(JSON.stringify(Object.fromEntries(header)), new Uint8Array(values.buffer));
}

const A = 'model-00001-of-00002.safetensors';
const B = 'model-00002-of-00002.safetensors';

function folder(index: unknown, files: Record<string, Uint8Array> = { [A]: file('a', 'b'), [B]: file('c') }) {
  const text = typeof index === 'string' ? index : JSON.stringify(index);
  return memoryModelFiles('sharded', { 'model.safetensors.index.json': new TextEncoder().encode(text), ...files });
}

const GOOD = { metadata: { total_size: 24 }, weight_map: { c: B, a: A, b: A } };

describe('the safetensors of a folder', () => {
  it('are found in its shards', async () => {
    const opened = await SafetensorsFolder.open(folder(GOOD));
    expect([...opened.tensors.keys()].sort()).toEqual(['a', 'b', 'c']);
    expect(await opened.readBytes('b', 0, 8)).toEqual(new Uint8Array(Float32Array.of(3, 4).buffer));
    expect(await opened.readBytes('c', 4, 4)).toEqual(new Uint8Array(Float32Array.of(2).buffer));
    expect(opened.dataBytes).toBe(24);
    expect(() => opened.check('d')).toThrow('model.safetensors.index.json: tensor "d" is missing.');
    expect(() => opened.check('a', [3])).toThrow(`${A}: tensor "a" has shape [2], but the model needs [3].`);
  });

  it('come from the single file when there is one', async () => {
    const opened = await SafetensorsFolder.open(folder(GOOD, { 'model.safetensors': file('x') }));
    expect([...opened.tensors.keys()]).toEqual(['x']);
  });

  const hostile: [string, unknown, string][] = [
    ['no JSON', '{"weight_map"', 'has no colon after the key'],
    ['no object', [], 'has no "weight_map"'],
    ['no map', { metadata: {} }, 'has no "weight_map"'],
    ['an empty map', { weight_map: {} }, 'names no tensors'],
    ['a map of numbers', { weight_map: { a: 1 } }, 'tensor "a" is not mapped to a file name'],
    ['a tensor twice', `{"weight_map": {"a": "${A}", "a": "${B}"}}`, 'has the key "a" twice'],
    ['nesting without end', `{"metadata": ${'['.repeat(100_000)}`, 'nested deeper than'],
    ['a parent folder', { weight_map: { a: '../secret.safetensors' } }, 'which is not a safetensors file'],
    ['an absolute path', { weight_map: { a: '/etc/passwd.safetensors' } }, 'which is not a safetensors file'],
    ['a path of Windows', { weight_map: { a: 'c:\\x.safetensors' } }, 'which is not a safetensors file'],
    ['a zero byte', { weight_map: { a: 'a\0.safetensors' } }, 'which is not a safetensors file'],
    ['a hidden file', { weight_map: { a: '.safetensors' } }, 'which is not a safetensors file'],
    ['an endless name', { weight_map: { a: `${'a'.repeat(300)}.safetensors` } }, 'which is not a safetensors file'],
    ['another kind of file', { weight_map: { a: 'pytorch_model.bin' } }, 'which is not a safetensors file'],
    [
      'a tensor that its shard lacks',
      { weight_map: { ...GOOD.weight_map, d: B } },
      `tensor "d" should be in ${B}, which has no tensor of that name`,
    ],
    ['a tensor in the wrong shard', { weight_map: { a: B, c: A } }, `tensor "a" should be in ${B}`],
  ];
  it.each(hostile)('are refused when the index has %s', async (_, index, message) => {
    const error: unknown = await SafetensorsFolder.open(folder(index)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'EngineError', code: 'MODEL_FORMAT' });
    expect((error as Error).message).toContain(message);
    expect((error as Error).message.length).toBeLessThan(400);
  });

  it('are refused when two shards contain the same tensor', async () => {
    const files = folder(GOOD, { [A]: file('a', 'b'), [B]: file('c', 'b') });
    await expect(SafetensorsFolder.open(files)).rejects.toMatchObject({
      code: 'MODEL_FORMAT',
      message: `model.safetensors.index.json: tensor "b" is in two files, ${A} and ${B}.`,
    });
  });

  it('name the shard that is missing, and what a folder without weights needs', async () => {
    await expect(SafetensorsFolder.open(folder(GOOD, { [A]: file('a', 'b') }))).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: `model.safetensors.index.json names the file "${B}", which is missing. Copy all of the model’s files into the folder.`,
    });
    await expect(SafetensorsFolder.open(memoryModelFiles('empty', {}))).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('has neither model.safetensors nor model.safetensors.index.json') as string,
    });
  });

  it('refuse an index that is too large or not text', async () => {
    await expect(SafetensorsFolder.open(folder(' '.repeat(2 ** 24 + 1)))).rejects.toThrow('the limit is 16777216');
    const binary = memoryModelFiles('b', { 'model.safetensors.index.json': Uint8Array.of(0xff, 0xfe) });
    await expect(SafetensorsFolder.open(binary)).rejects.toThrow('is not valid UTF-8');
  });

  it('close every file that was opened, also when one is damaged', async () => {
    for (const files of [folder(GOOD), folder(GOOD, { [A]: file('a', 'b'), [B]: Uint8Array.of(1) })]) {
      const open: string[] = [];
      const watched = {
        ...files,
        async open(name: string) {
          open.push(name);
          const close = () => Promise.resolve(void open.splice(open.indexOf(name), 1));
          return { ...(await files.open(name)), close };
        },
      };
      await SafetensorsFolder.open(watched).then(
        (opened) => opened.close(),
        () => undefined,
      );
      expect(open).toEqual([]);
    }
  });
});
