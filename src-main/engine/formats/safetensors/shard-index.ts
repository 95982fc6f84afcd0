import { parseStrictJson, quote, type StrictJson, type StrictJsonObject } from '../json/strict-json.ts';
import { formatError } from './header.ts';

/** Index object and weight_map, with some tolerance for other entries. */
const MAX_DEPTH = 8;
/** Far more than any model has. */
const MAX_SHARDS = 4096;
const MAX_NAME = 255;
/** Separators, drive letters and control characters: a shard is always in the same folder as its index. */
// oxlint-disable-next-line no-control-regex
const PATH_CHARACTERS = /[/\\:\u0000-\u001f]/;

/**
 * Reads `model.safetensors.index.json`, which maps tensors to files in the same folder.
 * @returns shard per tensor, in the order of the index.
 * @throws EngineError MODEL_FORMAT for anything but a map of tensors to plain names of safetensors files.
 */
export function parseShardIndex(text: string, fileName: string): ReadonlyMap<string, string> {
  const root = parseStrictJson(text, { maxDepth: MAX_DEPTH }, `${fileName}: the index`);
  const map = isObject(root) ? root.get('weight_map') : undefined;
  if (!isObject(map)) throw formatError(fileName, 'the index has no "weight_map" of tensors to files');
  const shards = new Map<string, string>();
  for (const [tensor, shard] of map) {
    if (typeof shard !== 'string') throw formatError(fileName, `tensor ${quote(tensor)} is not mapped to a file name`);
    checkShardName(shard, tensor, fileName);
    shards.set(tensor, shard);
  }
  if (shards.size === 0) throw formatError(fileName, 'the index names no tensors');
  const count = new Set(shards.values()).size;
  if (count > MAX_SHARDS)
    throw formatError(fileName, `the index names ${count} files; at most ${MAX_SHARDS} are supported`);
  return shards;
}

function checkShardName(shard: string, tensor: string, fileName: string): void {
  const plain = !PATH_CHARACTERS.test(shard) && shard.length <= MAX_NAME && shard.endsWith('.safetensors');
  if (plain && !shard.startsWith('.')) return;
  const problem = `tensor ${quote(tensor)} is in ${quote(shard)}, which is not a safetensors file next to the index`;
  throw formatError(fileName, problem, { tensor });
}

function isObject(value: StrictJson | undefined): value is StrictJsonObject {
  return value instanceof Map;
}
