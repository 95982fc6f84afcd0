import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../test-support/model-files.ts';
import { safetensorsBytes, safetensorsSource } from '../../test-support/safetensors.ts';
import { MAX_HEADER_BYTES, SafetensorsFile } from './safetensors-file.ts';

const f32 = (shape: unknown, begin: unknown, end: unknown) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });

describe('a safetensors file', () => {
  const values = Float32Array.of(1, -2.5, 3e-8, 4e20, 5, -0);

  it('returns its tensors, in whichever order the header has', async () => {
    const header = {
      __metadata__: { format: 'pt' },
      b: f32([2], 16, 24),
      a: f32([2, 2], 0, 16),
      empty: f32([0, 7], 16, 16),
    };
    const file = await SafetensorsFile.open(safetensorsSource(header, new Uint8Array(values.buffer)));
    expect([...file.tensors.keys()]).toEqual(['b', 'a', 'empty']);
    expect(file.metadata.get('format')).toBe('pt');
    expect(await file.readTensor('a', { shape: [2, 2] })).toMatchObject({ shape: [2, 2], data: values.subarray(0, 4) });
    expect((await file.readTensor('b')).data).toEqual(values.subarray(4));
    expect((await file.readTensor('empty')).data).toHaveLength(0);
  });

  it('converts half precision and bfloat16', async () => {
    // 1.5, -2 in each; 65504, the largest binary16; 2^-24, the smallest.
    const bits = Uint16Array.of(0x3e00, 0xc000, 0x7bff, 0x0001, 0x3fc0, 0xc000);
    const header = {
      h: { dtype: 'F16', shape: [4], data_offsets: [0, 8] },
      b: { dtype: 'BF16', shape: [2], data_offsets: [8, 12] },
    };
    const file = await SafetensorsFile.open(safetensorsSource(header, new Uint8Array(bits.buffer)));
    expect([...(await file.readTensor('h')).data]).toEqual([1.5, -2, 65504, 2 ** -24]);
    expect([...(await file.readTensor('b')).data]).toEqual([1.5, -2]);
  });

  it('reads a large tensor in chunks, with progress, and can be cancelled between them', async () => {
    const large = Float32Array.from({ length: 3 * 2 ** 20 + 5 }, (_, i) => i);
    const header = { large: f32([large.length], 0, large.byteLength) };
    const file = await SafetensorsFile.open(safetensorsSource(header, new Uint8Array(large.buffer)));
    const pieces: number[] = [];
    const tensor = await file.readTensor('large', { onBytes: (bytes) => pieces.push(bytes) });
    // Not toEqual, which takes seconds for three million elements.
    expect(tensor.data.every((value, i) => value === large[i])).toBe(true);
    expect(pieces).toEqual([4 * 2 ** 20, 4 * 2 ** 20, 4 * 2 ** 20, 20]);

    const cancel = { cancelled: false };
    const reading = file.readTensor('large', { cancel, onBytes: () => (cancel.cancelled = true) });
    await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('returns the stored bytes of a tensor, and only those', async () => {
    const header = { a: f32([2], 0, 8), h: { dtype: 'BF16', shape: [3], data_offsets: [8, 14] } };
    const file = await SafetensorsFile.open(
      safetensorsSource(
        header,
        Uint8Array.from({ length: 14 }, (_, i) => i),
      ),
    );
    expect(await file.readBytes('h', 2, 4)).toEqual(Uint8Array.of(10, 11, 12, 13));
    expect(file.check('h').type.name).toBe('BF16');
    await expect(file.readBytes('h', 4, 3)).rejects.toThrow('Bytes 4 to 7 are outside tensor h of 6 bytes.');
    await expect(file.readBytes('h', -1, 2)).rejects.toThrow(RangeError);
    await expect(file.readBytes('x', 0, 1)).rejects.toMatchObject({ code: 'MODEL_FORMAT' });
  });

  it('says for which tensor memory ran out', async () => {
    const file = await SafetensorsFile.open(safetensorsSource({ a: f32([2], 0, 8) }, 8));
    expect(file.allocate('a', 8, () => new Uint8Array(8))).toHaveLength(8);
    expect(() => file.allocate('a', 2 ** 53, () => new Uint8Array(2 ** 53))).toThrow(
      expect.objectContaining({
        code: 'OUT_OF_MEMORY',
        message: `test.safetensors: out of memory for tensor "a", which needs ${2 ** 53} bytes. Close other apps, or choose a smaller model.`,
      }),
    );
  });

  it('names a tensor that is missing or has another shape or an unsupported dtype', async () => {
    const header = { a: f32([2, 3], 0, 24), n: { dtype: 'I64', shape: [1], data_offsets: [24, 32] } };
    const file = await SafetensorsFile.open(safetensorsSource(header, 32));
    await expect(file.readTensor('b', { shape: [4] })).rejects.toMatchObject({
      code: 'MODEL_FORMAT',
      message: 'test.safetensors: tensor "b" of shape [4] is missing.',
    });
    await expect(file.readTensor('a', { shape: [3, 2] })).rejects.toMatchObject({
      code: 'MODEL_FORMAT',
      message: 'test.safetensors: tensor "a" has shape [2, 3], but the model needs [3, 2].',
    });
    await expect(file.readTensor('n')).rejects.toMatchObject({
      code: 'UNSUPPORTED_TENSOR_TYPE',
      message: 'test.safetensors: tensor "n" has the dtype I64. Supported: F32, F16, BF16.',
    });
  });

  it('reports a source that returns fewer bytes than its size', async () => {
    const source = { ...safetensorsSource({ a: f32([2], 0, 8) }, 8), read: () => Promise.resolve(new Uint8Array(3)) };
    await expect(SafetensorsFile.open(source)).rejects.toMatchObject({ code: 'MODEL_IO' });
  });
});

describe('a hostile safetensors file', () => {
  const good = safetensorsBytes(JSON.stringify({ a: f32([2], 0, 8), b: f32([1, 2], 8, 16) }), 16);
  const withHeaderLength = (length: bigint, bytes = good) => {
    const file = bytes.slice();
    new DataView(file.buffer).setBigUint64(0, length, true);
    return memorySource('test.safetensors', file);
  };

  const headers: [string, unknown, number, string][] = [
    ['an empty header', '', 0, 'ends too early'],
    ['no JSON', 'hello', 0, 'is not valid JSON'],
    ['no object', '[]', 0, 'is not a JSON object'],
    ['text after the object', '{}{}', 0, 'has text after its end'],
    ['a truncated object', '{"a": {"dtype": "F32", "sha', 8, 'something other than a key'],
    ['a nesting bomb of arrays', `{"a": ${'['.repeat(100_000)}`, 8, 'nested deeper than 3'],
    ['a nesting bomb of objects', '{"a":'.repeat(100_000), 8, 'nested deeper than 3'],
    ['a tensor twice', '{"a": {"dtype": "F32"}, "a": {"dtype": "F32"}}', 8, 'has the key "a" twice'],
    ['a key of a tensor twice', '{"a": {"dtype": "F32", "dtype": "F16"}}', 8, 'has the key "dtype" twice'],
    ['metadata that is no object', { __metadata__: [] }, 0, '__metadata__ is not an object'],
    ['metadata that is no text', { __metadata__: { format: 1 } }, 0, '__metadata__ "format" is not a string'],
    ['a tensor that is no object', { a: 5 }, 8, 'tensor "a" is not described by an object'],
    [
      'an unknown dtype',
      { a: { ...f32([2], 0, 8), dtype: 'F31' } },
      8,
      'tensor "a" has the dtype "F31"; supported are',
    ],
    ['a dtype that every object has', { a: { ...f32([2], 0, 8), dtype: 'toString' } }, 8, 'the dtype "toString"'],
    ['no dtype', { a: { shape: [2], data_offsets: [0, 8] } }, 8, 'tensor "a" has the dtype (missing)'],
    ['no shape', { a: { dtype: 'F32', data_offsets: [0, 8] } }, 8, 'tensor "a" has the shape (missing)'],
    ['a negative extent', { a: f32([-2, -1], 0, 8) }, 8, 'tensor "a" has the shape [-2,-1], which is not a list'],
    [
      'an extent that is not whole',
      { a: f32([2.5], 0, 10) },
      10,
      'tensor "a" has the shape [2.5], which is not a list',
    ],
    ['an extent that is text', { a: f32(['2'], 0, 8) }, 8, 'tensor "a" has the shape ["2"], which is not a list'],
    ['an extent past 2^53', '{"a":{"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,8]}}', 8, 'not a list'],
    [
      'a product past 2^53',
      { a: f32([2 ** 31, 2 ** 31], 0, 8) },
      8,
      'has the shape [2147483648, 2147483648], which is too large',
    ],
    ['a product beyond counting', { a: f32(Array(8).fill(2 ** 52), 0, 8) }, 8, 'which is too large'],
    ['a huge product times zero', { a: f32([...Array(7).fill(2 ** 52), 0], 0, 8) }, 8, '0 bytes'],
    ['a thousand axes', { a: f32(Array(1000).fill(1), 0, 4) }, 4, 'tensor "a" has 1000 axes; at most 8 are supported'],
    ['no offsets', { a: { dtype: 'F32', shape: [2] } }, 8, 'tensor "a" has the data_offsets (missing)'],
    [
      'one offset',
      { a: { dtype: 'F32', shape: [2], data_offsets: [0] } },
      8,
      'has the data_offsets [0], which are not two',
    ],
    ['a negative offset', { a: f32([2], -8, 0) }, 8, 'has the data_offsets [-8,0], which are not two whole numbers'],
    ['an offset that is not whole', { a: f32([2], 0.5, 8.5) }, 9, 'has the data_offsets [0.5,8.5]'],
    ['offsets that go backwards', { a: f32([2], 8, 0) }, 8, 'tensor "a" ends at byte 0, before it starts at 8'],
    ['an end past the data', { a: f32([4], 0, 16) }, 8, 'tensor "a" ends at byte 16 of the data, which has 8'],
    ['an end past 2^32', { a: f32([2 ** 31], 0, 2 ** 33) }, 8, 'ends at byte 8589934592 of the data, which has 8'],
    [
      'a shape too large for its bytes',
      { a: f32([3], 0, 8) },
      8,
      'of F32 [3] takes 12 bytes, but its data_offsets span 8',
    ],
    [
      'a shape too small for its bytes',
      { a: f32([1], 0, 8) },
      8,
      'of F32 [1] takes 4 bytes, but its data_offsets span 8',
    ],
    [
      'overlapping tensors',
      { a: f32([2], 0, 8), b: f32([2], 4, 12) },
      12,
      'tensor "b" starts at byte 4 of the data and overlaps tensor "a", which ends at 8',
    ],
    [
      'two tensors in one place',
      { a: f32([2], 0, 8), b: f32([2], 0, 8) },
      8,
      'tensor "b" starts at byte 0 of the data and overlaps tensor "a"',
    ],
    [
      'a hole between tensors',
      { a: f32([2], 0, 8), b: f32([2], 12, 20) },
      20,
      'leaves a gap of 4 bytes after tensor "a"',
    ],
    ['a hole at the beginning', { a: f32([2], 4, 12) }, 12, 'leaves a gap of 4 bytes after the header'],
    ['bytes after the last tensor', { a: f32([2], 0, 8) }, 9, 'the data has 9 bytes and its tensors end at 8'],
    ['data without tensors', {}, 1, 'the data has 1 bytes and its tensors end at 0'],
  ];

  it.each(headers)('with %s is refused', async (_, header, dataBytes, message) => {
    const error: unknown = await SafetensorsFile.open(safetensorsSource(header, dataBytes)).then(
      () => 'opened',
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: 'EngineError', code: 'MODEL_FORMAT' });
    const found = (error as Error).message;
    expect(found).toContain(message);
    expect(found).toMatch(/^test\.safetensors: /);
    expect(found.length).toBeLessThan(400);
  });

  it('is refused wherever it is truncated', async () => {
    for (let length = 0; length < good.length; length++) {
      const opening = SafetensorsFile.open(memorySource('test.safetensors', good.slice(0, length)));
      await expect(opening, `cut at ${length}`).rejects.toMatchObject({ code: 'MODEL_FORMAT' });
    }
  });

  it('is refused when its header has another length than it claims', async () => {
    for (const length of [0n, 1n, BigInt(good.length - 8) + 1n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      await expect(SafetensorsFile.open(withHeaderLength(length))).rejects.toMatchObject({ code: 'MODEL_FORMAT' });
    }
    await expect(SafetensorsFile.open(withHeaderLength(2n ** 40n))).rejects.toThrow(
      'the header says it has 1099511627776 bytes, but the file has only',
    );
  });

  it('is refused before a huge header is read', async () => {
    const lengthOnly = new Uint8Array(8);
    new DataView(lengthOnly.buffer).setBigUint64(0, BigInt(MAX_HEADER_BYTES + 1), true);
    const source = {
      name: 'huge.safetensors',
      size: 2 ** 40,
      read: (offset: number, length: number) =>
        offset === 0 && length === 8 ? Promise.resolve(lengthOnly) : Promise.reject(new Error('read on')),
    };
    await expect(SafetensorsFile.open(source)).rejects.toThrow('16777217 bytes; the limit is 16777216');
  });

  it('is refused when its header is not UTF-8', async () => {
    const file = good.slice();
    file[10] = 0xff;
    await expect(SafetensorsFile.open(memorySource('test.safetensors', file))).rejects.toThrow('not valid UTF-8');
  });

  it('only ever fails with an EngineError, whichever bytes change', async () => {
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const file = good.slice();
        for (const [at, byte] of changes) file[at] = byte;
        try {
          const opened = await SafetensorsFile.open(memorySource('test.safetensors', file));
          for (const name of opened.tensors.keys()) await opened.readTensor(name);
        } catch (error) {
          expect(error).toMatchObject({ name: 'EngineError' });
        }
      }),
      { numRuns: 1000 },
    );
  });
});
