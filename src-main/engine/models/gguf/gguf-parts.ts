import { EngineError } from '../../api/errors.ts';
import { ggufModelFiles, ggufModelOf, splitModelOf } from '../../api/model-file-rules.ts';
import { quote } from '../../formats/json/strict-json.ts';
import { type GgufFile, type GgufTensor, readGguf } from '../../formats/gguf/gguf-file.ts';
import type { ByteSource, ModelFiles } from '../../api/platform.ts';

/** A model's GGUF file, or the parts it was split into: metadata of the first, tensors of all. */
export interface GgufParts {
  readonly first: GgufFile;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** Total size of the files. */
  readonly totalBytes: number;
  /** Total size of the headers. */
  readonly headerBytes: number;
}

/**
 * The file names of the parts in order: one file, or all of `NAME-00001-of-0000N.gguf`.
 * @throws EngineError MODEL_NOT_FOUND with the missing parts, BAD_REQUEST when the folder holds several models
 */
export function partNames({ id, names }: ModelFiles): string[] {
  const found = ggufModelFiles(names);
  const [only] = found;
  const split = splitModelOf(only ?? '');
  if (found.length === 1 && only !== undefined && split === null) return [only];
  if (split === null || new Set(found.map(ggufModelOf)).size !== 1) {
    throw new EngineError(
      'BAD_REQUEST',
      `${id} holds ${found.length} GGUF files: ${found.join(', ')}. Open one of them instead.`,
      { model: id, files: found.length },
    );
  }
  const { prefix, count } = split;
  const wanted = Array.from(
    // At most as many as a name can number, so that a hostile one claims no memory.
    { length: Number(count) },
    (_, i) => `${prefix}-${String(i + 1).padStart(5, '0')}-of-${count}.gguf`,
  );
  const byLowerCase = new Map(found.map((name) => [name.toLowerCase(), name]));
  const missing = wanted.filter((name) => !byLowerCase.has(name.toLowerCase()));
  if (missing.length > 0 || wanted.length === 0) {
    const shown = missing.slice(0, 5).join(', ') + (missing.length > 5 ? ', ...' : '');
    throw new EngineError(
      'MODEL_NOT_FOUND',
      `${id} is split into ${wanted.length} files, and ${missing.length} of them are missing: ${shown}. ` +
        'Put all parts in one folder.',
      { model: id, parts: wanted.length, missing: missing.length, file: missing[0] ?? null },
    );
  }
  return wanted.map((name) => byLowerCase.get(name.toLowerCase())!);
}

/**
 * Reads the headers of all parts.
 * @throws EngineError MODEL_FORMAT when a header is damaged or the parts do not belong together
 */
export async function readParts(sources: readonly ByteSource[]): Promise<GgufParts> {
  const files: GgufFile[] = [];
  for (const source of sources) files.push(await readGguf(source));
  const [first] = files;
  if (!first) throw new EngineError('INTERNAL', 'The model has no files.');
  const tensors = new Map<string, GgufTensor>();
  files.forEach((file, i) => {
    if (files.length > 1) checkPart(file, 'split.no', i);
    if (files.length > 1) checkPart(file, 'split.count', files.length);
    for (const [name, tensor] of file.tensors) {
      if (tensors.has(name)) {
        throw new EngineError(
          'MODEL_FORMAT',
          `${file.source.name}: the tensor ${quote(name)} is also in an earlier part.`,
          { file: file.source.name, tensor: name },
        );
      }
      tensors.set(name, tensor);
    }
  });
  if (files.length > 1) checkPart(first, 'split.tensors.count', tensors.size);
  if (files.length === 1) checkWhole(first);
  const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
  return {
    first,
    tensors,
    totalBytes: sum(sources.map(({ size }) => size)),
    headerBytes: sum(files.map(({ headerBytes }) => headerBytes)),
  };
}

function checkPart({ source, metadata }: GgufFile, key: string, expected: number): void {
  const value = metadata.get(key);
  if (value === undefined || value === expected) return;
  throw new EngineError(
    'MODEL_FORMAT',
    `${source.name}: "${key}" is ${String(value)}, but should be ${expected}. The parts belong to different models, or a file was renamed.`,
    { file: source.name, key, expected },
  );
}

/** Rejects a single part of a split model, because its new name does not tell which parts belong to it. */
function checkWhole({ source, metadata }: GgufFile): void {
  const count = metadata.get('split.count');
  if (typeof count !== 'number' || count <= 1) return;
  throw new EngineError(
    'MODEL_FORMAT',
    `${source.name} is one of ${count} parts of a model. Restore the parts’ original names, as in NAME-00001-of-${String(count).padStart(5, '0')}.gguf, and open them together.`,
    { file: source.name, parts: count },
  );
}
