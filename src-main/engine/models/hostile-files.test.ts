import { describe, expect, it } from 'vitest';
import { EngineError } from '../api/errors.ts';
import { readGguf } from '../formats/gguf/gguf-file.ts';
import type { ModelFiles } from '../api/platform.ts';
import { SLOWEST_MACHINE } from '../test-support/cpu-time.ts';
import { hfFolderBytes } from '../test-support/hf-fixtures.ts';
import { memoryModelFiles, memorySource } from '../test-support/model-files.ts';
import { mutateBytes, mutateJson, seededRandom } from '../test-support/mutate.ts';
import { safetensorsBytes } from '../test-support/safetensors.ts';
import { quantizeModel } from '../quantize/quantize-model.ts';
import { describeModel } from './describe-model.ts';
import { openModel } from './open-model.ts';

/** Total number of files: 500, and 10,000 in the full run. */
const FILES = process.env['TOKENSCOPE_TEST_FULL'] === '1' ? 10_000 : 500;
const TIMEOUT_MS = 900_000;

/** Limit on all that is read, whatever a header says. */
const ALLOWED_BYTES = 16 * 2 ** 20;
const ALLOWED_PER_HEADER_BYTE = 8;
const ALLOWED_MS = 1000 * SLOWEST_MACHINE;

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);

async function ggufOf(folder: string, type: string): Promise<{ file: Uint8Array; headerBytes: number }> {
  const parts: Uint8Array[] = [];
  await quantizeModel(memoryModelFiles(folder, hfFolderBytes(folder)), type, {
    write: (part) => Promise.resolve(void parts.push(part.slice())),
  });
  const file = new Uint8Array(Buffer.concat(parts));
  const { headerBytes } = await readGguf(memorySource('base.gguf', file));
  return { file, headerBytes };
}

/** Splits a safetensors file at its header. */
function safetensorsParts(file: Uint8Array): { header: string; data: Uint8Array } {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  return { header: text(file.subarray(8, 8 + length)), data: file.subarray(8 + length) };
}

interface Case {
  files: Record<string, Uint8Array>;
  headerBytes: number;
}

/** Loads the model and describes it, and counts the bytes read. */
async function tryFiles({ files, headerBytes }: Case): Promise<'loaded' | string> {
  let read = 0;
  const inner = memoryModelFiles('hostile', files);
  const counting: ModelFiles = {
    ...inner,
    async open(name) {
      const source = await inner.open(name);
      return {
        ...source,
        read: (offset, length) => {
          read += length;
          return source.read(offset, length);
        },
      };
    },
  };
  const before = process.cpuUsage();
  let outcome = 'loaded';
  try {
    await openModel(counting, { contextSize: 8 });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    expect(error.message.length, error.message).toBeLessThan(1000);
    expect(error.code, String(error.cause)).not.toBe('INTERNAL');
    outcome = error.code;
  }
  expect(read).toBeLessThanOrEqual(ALLOWED_BYTES + ALLOWED_PER_HEADER_BYTE * headerBytes);
  // CPU time of this process: on a busy machine, wall-clock time measures the other processes.
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(ALLOWED_MS);
  await describeModel(inner).catch((error: unknown) => {
    if (!(error instanceof EngineError)) throw error;
  });
  return outcome;
}

const llama = hfFolderBytes('llama-tied');
const gemma = hfFolderBytes('gemma3-pattern');
const sharded = hfFolderBytes('llama-sharded');
const INDEX = 'model.safetensors.index.json';

/** A way of damaging a model's files, and the number of files it is tried on. */
interface Kind {
  share: number;
  make(random: () => number): Case | Promise<Case>;
}
const bases = Promise.all([ggufOf('llama', 'Q8_0'), ggufOf('phi3-longrope', 'Q4_0'), ggufOf('gemma2', 'F16')]);

const KINDS: Record<string, Kind> = {
  'GGUF header': {
    share: 0.5,
    async make(random) {
      const all = await bases;
      const { file, headerBytes } = all[Math.floor(random() * all.length)];
      return { files: { 'model.gguf': mutateBytes(file, headerBytes, random) }, headerBytes };
    },
  },
  'safetensors header, byte by byte': {
    share: 0.15,
    make(random) {
      const file = llama['model.safetensors'];
      const headerBytes = 8 + safetensorsParts(file).header.length;
      return { files: { ...llama, 'model.safetensors': mutateBytes(file, headerBytes, random) }, headerBytes };
    },
  },
  'safetensors header, value by value': {
    share: 0.15,
    make(random) {
      const { header, data } = safetensorsParts(llama['model.safetensors']);
      const mutated = mutateJson(header, random);
      return { files: { ...llama, 'model.safetensors': safetensorsBytes(mutated, data) }, headerBytes: mutated.length };
    },
  },
  'index of shards': {
    share: 0.05,
    make(random) {
      const mutated = mutateJson(text(sharded[INDEX]), random);
      return { files: { ...sharded, [INDEX]: bytes(mutated) }, headerBytes: mutated.length };
    },
  },
  'config.json': {
    share: 0.15,
    make(random) {
      const folder = random() < 0.5 ? llama : gemma;
      const mutated = mutateJson(text(folder['config.json']), random);
      return { files: { ...folder, 'config.json': bytes(mutated) }, headerBytes: mutated.length };
    },
  },
};

describe('a damaged', () => {
  it.each(Object.keys(KINDS))(
    '%s loads or is refused with a reason, within limits on time and memory',
    async (name) => {
      const { share, make } = KINDS[name];
      const outcomes: Record<string, number> = {};
      for (let seed = 0; seed < FILES * share; seed++) {
        const outcome = await tryFiles(await make(seededRandom(seed))).catch((cause: unknown) => {
          throw new Error(`seed ${seed}: ${String(cause)}`, { cause });
        });
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      }
      // Otherwise the damage would miss its target.
      expect(Object.keys(outcomes)).toContain('MODEL_FORMAT');
    },
    TIMEOUT_MS,
  );
});
