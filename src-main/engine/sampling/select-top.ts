import { descendingKey, sortDescending } from './sort-descending.ts';

/** Maximum slots in an order key: 21 bits beside the 32 of a float stay exact in a double. */
const MAX_SLOTS = 2 ** 21;
/** Below this size, sorting a larger buffer is cheaper than sorting more often. */
const MIN_BUFFER = 256;
/** If more than one in so many is requested, sorting all is cheaper. */
const SORT_ALL_FROM = 16;

/**
 * The slots of the `k` highest of `values[0..length)`, best first; among equal values the lower slot comes first.
 *
 * One pass with a rising threshold instead of a full sort: a vocabulary has up to 262,144 entries, and usually 40 are
 * needed. Values must not be NaN.
 */
export function selectTop(values: Float32Array, length: number, k: number): Int32Array {
  if (length > MAX_SLOTS) throw new RangeError(`Cannot sort ${length} entries; the limit is ${MAX_SLOTS}.`);
  const wanted = Math.max(0, Math.min(k, length));
  if (wanted === 0) return new Int32Array(0);
  if (length > MIN_BUFFER && wanted > length / SORT_ALL_FROM) return sortDescending(values, length).subarray(0, wanted);
  const bits = new Uint32Array(values.buffer, values.byteOffset, length);
  const buffer = new Float64Array(Math.min(length, Math.max(4 * wanted, MIN_BUFFER)));

  let used = 0;
  while (used < buffer.length) buffer[used] = orderKey(bits[used], used++);
  if (used < length) {
    let slot = used;
    let threshold = Number.NEGATIVE_INFINITY;
    const keepBest = (): void => {
      buffer.subarray(0, used).sort();
      used = wanted;
      threshold = values[slotOf(buffer[wanted - 1])];
    };
    keepBest();
    for (; slot < length; slot++) {
      // An equal value at a later slot loses, so "greater" is exact.
      if (values[slot] > threshold) {
        if (used === buffer.length) {
          keepBest();
          if (values[slot] <= threshold) continue;
        }
        buffer[used++] = orderKey(bits[slot], slot);
      }
    }
  }
  buffer.subarray(0, used).sort();

  const slots = new Int32Array(wanted);
  for (let i = 0; i < wanted; i++) slots[i] = slotOf(buffer[i]);
  return slots;
}

/** @returns the ids by their value, highest first; ties in order of id. @param values of the ids, not NaN */
export function orderTokens(ids: Int32Array, values: Float32Array): Int32Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const keys = Float64Array.from(ids, (id, i) => orderKey(bits[i], id)).sort();
  return Int32Array.from(keys, slotOf);
}

/** A double whose ascending order is: value descending, then slot ascending. */
function orderKey(floatBits: number, slot: number): number {
  return descendingKey(floatBits) * MAX_SLOTS + slot;
}

/** The remainder by a power of two, exact; the `%` of doubles takes several times as long. */
function slotOf(key: number): number {
  return key - Math.floor(key / MAX_SLOTS) * MAX_SLOTS;
}
