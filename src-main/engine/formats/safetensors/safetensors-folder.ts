import { EngineError } from '../../api/errors.ts';
import type { ByteSource, ModelFiles } from '../../api/platform.ts';
import type { Shape } from '../../tensor/shape.ts';
import { quote } from '../json/strict-json.ts';
import { readExactly } from '../read-exactly.ts';
import { formatError, type TensorInfo } from './header.ts';
import { MAX_HEADER_BYTES, type ReadableTensor, SafetensorsFile } from './safetensors-file.ts';
import { parseShardIndex } from './shard-index.ts';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/** The safetensors of a model folder: one file, or shards with an index. Tensors are read on demand. */
export class SafetensorsFolder {
  private constructor(
    /** The file that holds each tensor. */
    private readonly fileOf: ReadonlyMap<string, SafetensorsFile>,
    /** The file named in messages: the single file or the index. */
    private readonly mainName: string,
    private readonly sources: readonly ByteSource[],
    /** Every tensor by name. */
    readonly tensors: ReadonlyMap<string, TensorInfo>,
  ) {}

  /**
   * Reads and checks all headers, but no tensor data.
   * @throws EngineError MODEL_NOT_FOUND for a missing file; MODEL_FORMAT when a header or the index contradicts itself
   *   or the others; MODEL_IO.
   */
  static async open(files: ModelFiles): Promise<SafetensorsFolder> {
    const sources: ByteSource[] = [];
    const open = async (name: string) => {
      const source = await files.open(name);
      sources.push(source);
      return source;
    };
    try {
      if (files.names.includes(SINGLE)) {
        const file = await SafetensorsFile.open(await open(SINGLE));
        return SafetensorsFolder.of(new Map([[SINGLE, file]]), SINGLE, sources);
      }
      return await SafetensorsFolder.openShards(files, open, sources);
    } catch (error) {
      await closeAll(sources);
      throw error;
    }
  }

  private static async openShards(
    files: ModelFiles,
    open: (name: string) => Promise<ByteSource>,
    sources: readonly ByteSource[],
  ): Promise<SafetensorsFolder> {
    if (!files.names.includes(INDEX)) {
      throw new EngineError(
        'MODEL_NOT_FOUND',
        `The model ${files.id} has neither ${SINGLE} nor ${INDEX}. Its weights must be in the safetensors format.`,
        { model: files.id, file: SINGLE },
      );
    }
    const shardOf = parseShardIndex(await readIndex(await open(INDEX)), INDEX);
    const shards = new Map<string, SafetensorsFile>();
    for (const shard of [...new Set(shardOf.values())].sort()) {
      if (!files.names.includes(shard)) {
        const message = `${INDEX} names the file ${quote(shard)}, which is missing. Copy all of the model’s files into the folder.`;
        throw new EngineError('MODEL_NOT_FOUND', message, { model: files.id, file: shard });
      }
      shards.set(shard, await SafetensorsFile.open(await open(shard)));
    }
    for (const [tensor, shard] of shardOf) {
      if (shards.get(shard)!.tensors.has(tensor)) continue;
      throw formatError(INDEX, `tensor ${quote(tensor)} should be in ${shard}, which has no tensor of that name`, {
        tensor,
        shard,
      });
    }
    return SafetensorsFolder.of(shards, INDEX, sources);
  }

  private static of(
    files: ReadonlyMap<string, SafetensorsFile>,
    mainName: string,
    sources: readonly ByteSource[],
  ): SafetensorsFolder {
    const tensors = new Map<string, TensorInfo>();
    const fileOf = new Map<string, SafetensorsFile>();
    const nameOf = new Map<string, string>();
    for (const [fileName, file] of files) {
      for (const [name, info] of file.tensors) {
        const other = nameOf.get(name);
        if (other !== undefined) {
          throw formatError(mainName, `tensor ${quote(name)} is in two files, ${other} and ${fileName}`, {
            tensor: name,
          });
        }
        tensors.set(name, info);
        fileOf.set(name, file);
        nameOf.set(name, fileName);
      }
    }
    return new SafetensorsFolder(fileOf, mainName, sources, tensors);
  }

  /** Total size of the files. */
  get totalBytes(): number {
    return this.sources.reduce((sum, { size }) => sum + size, 0);
  }

  /** Size of the tensor data, without headers. */
  get dataBytes(): number {
    return [...this.tensors.values()].reduce((sum, { begin, end }) => sum + end - begin, 0);
  }

  /** The error for a tensor of this folder. */
  error(problem: string, tensor: string): EngineError {
    return formatError(this.mainName, problem, { tensor });
  }

  /** @throws EngineError as `SafetensorsFile.check` does. */
  check(name: string, shape?: Shape): ReadableTensor {
    return this.file(name).check(name, shape);
  }

  /** @throws EngineError as `SafetensorsFile.readBytes` does. */
  async readBytes(name: string, from: number, length: number, buffer?: Uint8Array): Promise<Uint8Array> {
    return this.file(name).readBytes(name, from, length, buffer);
  }

  /** @throws EngineError as `SafetensorsFile.allocate` does. */
  allocate<A extends ArrayBufferView>(tensor: string, bytes: number, make: () => A): A {
    return this.file(tensor).allocate(tensor, bytes, make);
  }

  async close(): Promise<void> {
    await closeAll(this.sources);
  }

  private file(name: string): SafetensorsFile {
    const file = this.fileOf.get(name);
    if (!file) throw this.error(`tensor ${quote(name)} is missing`, name);
    return file;
  }
}

async function readIndex(source: ByteSource): Promise<string> {
  const { name, size } = source;
  if (size > MAX_HEADER_BYTES) {
    throw formatError(name, `the index has ${size} bytes; the limit is ${MAX_HEADER_BYTES}`);
  }
  const bytes = await readExactly(source, 0, size);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new EngineError('MODEL_FORMAT', `${name}: the index is not valid UTF-8.`, { file: name }, { cause });
  }
}

async function closeAll(sources: readonly ByteSource[]): Promise<void> {
  for (const source of sources) await source.close?.();
}
