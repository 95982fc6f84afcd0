import { type GgufTensor, readGguf } from '../formats/gguf/gguf-file.ts';
import { layOutGguf, type TypedValue } from '../formats/gguf/writer.ts';
import { memorySource } from './model-files.ts';

export interface GgufChanges {
  /** New values of keys; null removes one. */
  readonly metadata?: Readonly<Record<string, TypedValue | null>>;
  /** New names, shapes or type ids of tensors; null removes one. */
  readonly tensors?: Readonly<Record<string, Partial<Pick<GgufTensor, 'name' | 'shape' | 'typeId'>> | null>>;
  /** Removes the tensors for which this is false. */
  readonly keep?: (name: string) => boolean;
}

/** The bytes of a GGUF file with some changes. */
export async function rewriteGguf(file: Uint8Array, changes: GgufChanges): Promise<Uint8Array> {
  const { metadata, metadataRanges, tensors } = await readGguf(memorySource('original.gguf', file));
  const values = new Map<string, TypedValue>();
  for (const key of metadata.keys()) {
    const { offset, bytes } = metadataRanges.get(key)!;
    values.set(key, { type: 'raw', value: file.subarray(offset, offset + bytes) });
  }
  for (const [key, value] of Object.entries(changes.metadata ?? {})) {
    if (value) values.set(key, value);
    else values.delete(key);
  }
  const kept = [...tensors.values()].filter(
    ({ name }) => changes.tensors?.[name] !== null && (changes.keep?.(name) ?? true),
  );
  const plan = kept.map(({ name, shape, typeId, bytes }) => {
    return { name, shape, typeId, ...changes.tensors?.[name], bytes: bytes! };
  });
  const { header, offsets, fileBytes } = layOutGguf(values, plan);
  const rewritten = new Uint8Array(fileBytes);
  rewritten.set(header);
  kept.forEach(({ offset, bytes }, i) => rewritten.set(file.subarray(offset, offset + bytes!), offsets[i]));
  return rewritten;
}
