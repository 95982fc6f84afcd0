import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { EngineError } from '../../api/errors.ts';
import type { ByteSource } from '../../api/platform.ts';
import { blockTypeOf, readGguf } from './gguf-file.ts';
import { HeaderReader, MAX_HEADER_BYTES } from './header-reader.ts';
import { type StringArray } from './string-array.ts';
import { layOutGguf, type TensorPlan, type TypedValue } from './writer.ts';

/** A source that counts reads, so that a test can see that nothing is read twice. */
function counted(bytes: Uint8Array, name = 'test.gguf'): ByteSource & { reads: [number, number][] } {
  const reads: [number, number][] = [];
  return {
    name,
    size: bytes.length,
    reads,
    read: (offset, length) => {
      reads.push([offset, length]);
      return Promise.resolve(bytes.slice(offset, offset + length));
    },
  };
}

function build(metadata: Record<string, TypedValue>, tensors: TensorPlan[] = []): Uint8Array {
  const layout = layOutGguf(new Map(Object.entries(metadata)), tensors);
  const file = new Uint8Array(layout.fileBytes);
  file.set(layout.header.subarray(0, layout.fileBytes));
  return file.length >= layout.header.length ? file : layout.header;
}

const f32 = (name: string, shape: number[]): TensorPlan => ({
  name,
  shape,
  typeId: 0,
  bytes: 4 * shape.reduce((a, b) => a * b, 1),
});

const sound = () =>
  build(
    {
      'general.architecture': { type: 'string', value: 'llama' },
      'llama.context_length': { type: 'uint32', value: 512 },
      'llama.rope.freq_base': { type: 'float32', value: 500000 },
      'tokenizer.ggml.add_bos_token': { type: 'bool', value: true },
      'tokenizer.ggml.tokens': { type: 'array', value: ['<s>', 'é', '日本', ''] },
      'tokenizer.ggml.scores': { type: 'array', value: Float32Array.of(0, -1, -2.5, -3) },
    },
    [f32('token_embd.weight', [4, 32]), { name: 'blk.0.attn_q.weight', shape: [2, 32], typeId: 8, bytes: 68 }],
  );

async function failure(bytes: Uint8Array): Promise<EngineError> {
  const error: unknown = await readGguf(counted(bytes)).then(
    () => expect.fail('was read'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EngineError);
  return error as EngineError;
}

/** Overwrites bytes of a valid file. */
function patched(find: string, change: (view: DataView, at: number) => void): Uint8Array {
  const bytes = sound();
  const at = Buffer.from(bytes).indexOf(find);
  expect(at).toBeGreaterThan(0);
  change(new DataView(bytes.buffer), at + find.length);
  return bytes;
}

describe('readGguf', () => {
  it('reads metadata and tensor offsets', async () => {
    const file = await readGguf(counted(sound()));
    expect(file.version).toBe(3);
    expect(file.metadata.get('general.architecture')).toBe('llama');
    expect(file.metadata.get('llama.context_length')).toBe(512);
    expect(file.metadata.get('tokenizer.ggml.add_bos_token')).toBe(true);
    expect([...(file.metadata.get('tokenizer.ggml.tokens') as StringArray)]).toEqual(['<s>', 'é', '日本', '']);
    expect(file.metadata.get('tokenizer.ggml.scores')).toEqual(Float32Array.of(0, -1, -2.5, -3));
    const query = file.tensors.get('blk.0.attn_q.weight');
    expect(query).toMatchObject({ shape: [2, 32], typeName: 'Q8_0', bytes: 68 });
    expect((query?.offset ?? 0) % 32).toBe(0);
  });

  it('reads each byte of a large header once and none of the data', async () => {
    const tokens = Array.from({ length: 60_000 }, (_, i) => `token ${i}`);
    const bytes = build({ tokens: { type: 'array', value: tokens } }, [f32('w', [1 << 20])]);
    const source = counted(bytes);
    const file = await readGguf(source);
    const strings = file.metadata.get('tokens') as StringArray;
    expect([strings.length, strings.get(0), strings.get(59_999)]).toEqual([60_000, 'token 0', 'token 59999']);
    let next = 0;
    for (const [offset, length] of source.reads) {
      expect(offset).toBe(next);
      next = offset + length;
    }
    expect(next).toBeLessThan(file.headerBytes + (1 << 18) + 1);
  });

  it('names an unsupported tensor type, and only when that tensor is used', async () => {
    const bytes = build({}, [{ name: 'blk.0.ffn_up.weight', shape: [256], typeId: 18, bytes: 98 }]);
    const file = await readGguf(counted(bytes));
    const tensor = file.tensors.get('blk.0.ffn_up.weight');
    expect(() => tensor && blockTypeOf(tensor)).toThrow(/"blk.0.ffn_up.weight" is stored as IQ3_XXS/);
  });
});

describe('a damaged GGUF file', () => {
  it.each([
    ['another format', Buffer.from('PK\u0003\u0004 this is a zip file, and not a model'), /does not start with "GGUF"/],
    ['an empty file', new Uint8Array(0), /ends in the middle of its header/],
    [
      'a big-endian file',
      Uint8Array.from([71, 71, 85, 70, 0, 0, 0, 3, ...new Array<number>(16).fill(0)]),
      /big-endian/,
    ],
    ['version 1', Uint8Array.from([71, 71, 85, 70, 1, 0, 0, 0, ...new Array<number>(16).fill(0)]), /version 1/],
    [
      '2^64 - 1 tensors',
      Uint8Array.from([71, 71, 85, 70, 3, 0, 0, 0, ...new Array<number>(16).fill(255)]),
      /number of tensors/,
    ],
    [
      'a key longer than the file',
      (() => {
        const bytes = sound();
        new DataView(bytes.buffer).setBigUint64(24, 1n << 40n, true);
        return bytes;
      })(),
      /length of metadata key 0/,
    ],
    [
      'an unknown value type',
      patched('llama.context_length', (v, at) => v.setUint32(at, 77, true)),
      /unknown value type 77/,
    ],
    [
      'an array longer than the file',
      patched('tokenizer.ggml.scores', (v, at) => v.setBigUint64(at + 8, 1n << 50n, true)),
      /length of tokenizer.ggml.scores/,
    ],
    [
      'an array of arrays',
      patched('tokenizer.ggml.scores', (v, at) => v.setUint32(at + 4, 9, true)),
      /array of arrays/,
    ],
    ['a tensor of five dimensions', patched('token_embd.weight', (v, at) => v.setUint32(at, 5, true)), /5 dimensions/],
    [
      'a tensor with a zero dimension',
      patched('token_embd.weight', (v, at) => v.setBigUint64(at + 4, 0n, true)),
      /impossible shape/,
    ],
    [
      'a product beyond 2^53',
      patched('token_embd.weight', (v, at) => {
        v.setBigUint64(at + 4, 1n << 32n, true);
        v.setBigUint64(at + 12, 1n << 32n, true);
      }),
      /impossible shape/,
    ],
    [
      'an unaligned tensor',
      patched('token_embd.weight', (v, at) => v.setBigUint64(at + 24, 8n, true)),
      /not a multiple of 32/,
    ],
    [
      'a tensor past the end',
      patched('token_embd.weight', (v, at) => v.setBigUint64(at + 24, 1n << 30n, true)),
      /but the file has only/,
    ],
    ['overlapping tensors', patched('blk.0.attn_q.weight', (v, at) => v.setBigUint64(at + 24, 0n, true)), /overlap/],
    [
      'rows that are no whole blocks',
      patched('blk.0.attn_q.weight', (v, at) => v.setBigUint64(at + 4, 33n, true)),
      /not a multiple of the block size 32/,
    ],
    [
      'a key given twice',
      (() => {
        const bytes = Buffer.from(sound());
        // Same length, so that one key can take the other's name.
        bytes.write('tokenizer.ggml.tokens', bytes.indexOf('tokenizer.ggml.scores'));
        return new Uint8Array(bytes);
      })(),
      /appears twice/,
    ],
    ['an absurd alignment', build({ 'general.alignment': { type: 'uint32', value: 24 } }), /general.alignment is 24/],
  ])('%s', async (_, bytes, message) => {
    const error = await failure(bytes);
    expect(error.code).toBe('MODEL_FORMAT');
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^test\.gguf/);
  });

  it('is refused wherever it is truncated', async () => {
    const bytes = sound();
    const file = await readGguf(counted(bytes));
    for (let length = 0; length < file.headerBytes; length++) {
      expect((await failure(bytes.slice(0, length))).code).toBe('MODEL_FORMAT');
    }
  });

  describe('of a terabyte', () => {
    const huge = (bytes: Uint8Array): ByteSource => ({
      name: 'test.gguf',
      size: 2 ** 40,
      read: (offset) => (offset === 0 ? Promise.resolve(bytes) : Promise.reject(new Error('read on'))),
    });

    it.each([
      ['numbers', 0, 2 ** 36],
      ['strings', 8, 2 ** 27],
    ])('is refused before it is read as an array of too many %s', async (_, type, length) => {
      const bytes = patched('tokenizer.ggml.scores', (v, at) => {
        v.setUint32(at + 4, type, true);
        v.setBigUint64(at + 8, BigInt(length), true);
      });
      await expect(readGguf(huge(bytes))).rejects.toMatchObject({
        code: 'MODEL_FORMAT',
        message: expect.stringContaining(`the length of tokenizer.ggml.scores is ${length}; at most`) as string,
      });
    });

    it('is not said to be truncated when its header is too large', () => {
      const reader = new HeaderReader(huge(sound()));
      expect(() => reader.need(MAX_HEADER_BYTES + 1, 'a value')).toThrow('its header is larger than 128 MiB');
    });
  });

  it('only ever fails with an EngineError, whichever bytes change', async () => {
    const bytes = sound();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        async (changes) => {
          const copy = bytes.slice();
          for (const [at, value] of changes) copy[at] = value;
          try {
            await readGguf(counted(copy));
          } catch (error) {
            expect(error).toBeInstanceOf(EngineError);
          }
        },
      ),
      { numRuns: 500, seed: 1 },
    );
  });
});
