import type { JsonPart } from './json-part.ts';
import type { PackedRecord } from './json/packed-parts.ts';
import { utf16Length, writeUtf8 } from './utf8.ts';

/** More than any tokenizer has; prevents a damaged file from claiming gigabytes. */
export const MAX_ID = 2 ** 22;

const ABSENT = 0xffff_ffff;

/**
 * Maps pieces to ids and back. Ids may have gaps. All pieces are in one block of UTF-8 with a hash table of ids: 262,144
 * of them are five arrays, not half a million objects.
 */
export class Vocabulary {
  private blob: Uint8Array;
  private used: number;
  /** `[capacity, 2]` per id: start and end of its piece in `blob`; ABSENT for an id without a piece. */
  private bounds: Uint32Array;
  /** Open addressing: id + 1, 0 for an empty slot. At least a quarter of them are empty. */
  private slots: Int32Array;
  private count = 0;
  private nextId = 0;
  private scratch = new Uint8Array(256);
  /** Length of the longest piece, in UTF-16 units and in bytes. */
  longestPiece = 0;
  longestBytes = 0;
  private readonly text = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(blob: Uint8Array = new Uint8Array(1024), used = 0, capacity = 64) {
    this.blob = blob;
    this.used = used;
    this.bounds = new Uint32Array(2 * capacity).fill(ABSENT);
    this.slots = new Int32Array(slotsFor(capacity));
  }

  /** A vocabulary whose token i is piece i. Of equal pieces, a look-up by text finds the last, as in llama.cpp. */
  static fromPieces(pieces: Iterable<string>): Vocabulary {
    const vocabulary = new Vocabulary();
    let id = 0;
    for (const piece of pieces) vocabulary.enter(id++, vocabulary.appendScratch(vocabulary.toScratch(piece)));
    return vocabulary;
  }

  /**
   * As `fromPieces`, for pieces that are already in one block, which is not copied.
   * @param offsets `[pieces + 1]`: piece i is bytes offsets[i]..offsets[i + 1]
   */
  static fromUtf8(blob: Uint8Array, offsets: Uint32Array): Vocabulary {
    const pieces = offsets.length - 1;
    const vocabulary = new Vocabulary(blob, blob.length, Math.max(1, pieces));
    for (let id = 0; id < pieces; id++) vocabulary.enter(id, offsets[id], offsets[id + 1]);
    return vocabulary;
  }

  /**
   * As `fromPieces`, for an object `{ piece: id, ... }`; null when a piece or an id is duplicated, or an id is too high.
   */
  static fromPacked({ keys: { blob, used, offsets }, values }: PackedRecord): Vocabulary | null {
    // Pieces added later go to another block, so that the record's stays unchanged.
    const vocabulary = new Vocabulary(blob.subarray(0, used), used, Math.max(1, values.length));
    for (let i = 0; i < values.length; i++) {
      const id = values[i];
      if (id > MAX_ID || vocabulary.has(id)) return null;
      const slot = vocabulary.slotOf(blob, offsets[i], offsets[i + 1]);
      if (vocabulary.slots[slot] !== 0) return null;
      vocabulary.enter(id, offsets[i], offsets[i + 1], slot);
    }
    return vocabulary;
  }

  /** Adds the object `{ piece: id, ... }`. */
  addAll(part: JsonPart): void {
    for (const [piece, id] of part.entries()) this.add(piece, id);
  }

  /** Adding the same pair again has no effect. */
  add(piece: string, idPart: JsonPart): number {
    const id = idPart.count(MAX_ID);
    const clash = this.put(piece, id);
    if (clash === null) return id;
    throw idPart.malformed(
      'takenBy' in clash
        ? `gives the id ${id} to "${piece}" and to "${clash.takenBy}"`
        : `gives "${piece}" the id ${id}, but it already has the id ${clash.knownAs}`,
    );
  }

  /**
   * Adds a pair; adding it again has no effect.
   * @returns null, or what conflicts with it: the piece's other id, or the id's other piece
   */
  put(piece: string, id: number): { knownAs: number } | { takenBy: string } | null {
    const length = this.toScratch(piece);
    const slot = this.slotOf(this.scratch, 0, length);
    const known = this.slots[slot] - 1;
    if (known !== -1) return known === id ? null : { knownAs: known };
    const takenBy = this.piece(id);
    if (takenBy !== undefined) return { takenBy };
    this.enter(id, this.appendScratch(length), this.used, slot);
    return null;
  }

  /** One more than the highest id. */
  get size(): number {
    return this.nextId;
  }

  id(piece: string): number | undefined {
    if (piece.length > this.longestPiece) return undefined;
    const id = this.idOfBytes(this.scratch, 0, this.toScratch(piece));
    return id === -1 ? undefined : id;
  }

  /**
   * Looks up two pieces and their concatenation.
   * @param ids `[3]` overwritten with their ids, -1 for missing ones; those of the next merge in the list save time
   */
  idsOfMerge(left: string, right: string, ids: Int32Array): void {
    this.reserveScratch(left.length + right.length);
    const middle = writeUtf8(left, this.scratch);
    this.idsOfMergedBytes(this.scratch, 0, middle, writeUtf8(right, this.scratch, middle), ids);
  }

  /** As `idsOfMerge`, for pieces `bytes[start..middle)` and `bytes[middle..end)`. */
  idsOfMergedBytes(bytes: Uint8Array, start: number, middle: number, end: number, ids: Int32Array): void {
    const { slots } = this;
    let value = HASH_START;
    for (let i = start; i < middle; i++) value = hashStep(value, bytes[i]);
    ids[0] = slots[this.slotWith(hashEnd(value), bytes, start, middle)] - 1;
    // Merges are usually ordered by their results, and some have the same result.
    if (!this.spells(ids[2], bytes, start, end) && !this.spells(--ids[2], bytes, start, end)) {
      for (let i = middle; i < end; i++) value = hashStep(value, bytes[i]);
      ids[2] = slots[this.slotWith(hashEnd(value), bytes, start, end)] - 1;
    }
    ids[1] = slots[this.slotOf(bytes, middle, end)] - 1;
  }

  /** Id of the piece `bytes[start..end)`, -1 when there is none. */
  idOfBytes(bytes: Uint8Array, start: number, end: number): number {
    return this.slots[this.slotOf(bytes, start, end)] - 1;
  }

  /** Calls `found` for each piece at the start of `bytes[start..limit)`, shortest first, with its end. */
  eachPrefix(bytes: Uint8Array, start: number, limit: number, found: (id: number, end: number) => void): void {
    const last = Math.min(limit, start + this.longestBytes);
    let value = HASH_START;
    for (let end = start; end < last;) {
      value = hashStep(value, bytes[end++]);
      const id = this.slots[this.slotWith(hashEnd(value), bytes, start, end)] - 1;
      if (id !== -1) found(id, end);
    }
  }

  /** Whether the id has a piece. */
  has(id: number): boolean {
    const start = Number.isInteger(id) ? this.bounds[2 * id] : undefined;
    return start !== undefined && start !== ABSENT;
  }

  piece(id: number): string | undefined {
    const bytes = this.bytes(id);
    return bytes && this.text.decode(bytes);
  }

  /** The piece's UTF-8, read-only; it may be invalid in a GGUF file. */
  bytes(id: number): Uint8Array | undefined {
    return this.has(id) ? this.blob.subarray(this.bounds[2 * id], this.bounds[2 * id + 1]) : undefined;
  }

  private toScratch(piece: string): number {
    this.reserveScratch(piece.length);
    return writeUtf8(piece, this.scratch);
  }

  private reserveScratch(units: number): void {
    if (3 * units > this.scratch.length) this.scratch = new Uint8Array(6 * units);
  }

  /** Appends the contents of `scratch` to the block. @returns the start */
  private appendScratch(length: number): number {
    if (this.used + length > this.blob.length) {
      this.blob = grown(this.blob, new Uint8Array(Math.max(2 * this.blob.length, this.used + length)));
    }
    this.blob.set(this.scratch.subarray(0, length), this.used);
    this.used += length;
    return this.used - length;
  }

  /** Makes `[start, end)` of the block the piece of `id`. @param slot of the piece, if known */
  private enter(id: number, start: number, end = this.used, slot = this.slotOf(this.blob, start, end)): void {
    if (2 * id >= this.bounds.length) {
      const length = Math.max(2 * this.bounds.length, 2 * id + 2);
      this.bounds = grown(this.bounds, new Uint32Array(length).fill(ABSENT));
    }
    this.bounds[2 * id] = start;
    this.bounds[2 * id + 1] = end;
    this.nextId = Math.max(this.nextId, id + 1);
    this.longestPiece = Math.max(this.longestPiece, utf16Length(this.blob, start, end));
    this.longestBytes = Math.max(this.longestBytes, end - start);
    if (4 * ++this.count > 3 * this.slots.length) this.rehash();
    else this.slots[slot] = id + 1;
  }

  private rehash(): void {
    this.slots = new Int32Array(slotsFor(2 * this.count));
    for (let id = 0; id < this.nextId; id++) {
      const [start, end] = [this.bounds[2 * id], this.bounds[2 * id + 1]];
      if (start !== ABSENT) this.slots[this.slotOf(this.blob, start, end)] = id + 1;
    }
  }

  /** The slot with the piece of these bytes, or the empty one for it. */
  private slotOf(bytes: Uint8Array, start: number, end: number): number {
    let value = HASH_START;
    for (let i = start; i < end; i++) value = hashStep(value, bytes[i]);
    return this.slotWith(hashEnd(value), bytes, start, end);
  }

  private slotWith(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const { slots } = this;
    const mask = slots.length - 1;
    let slot = hash & mask;
    while (slots[slot] !== 0 && !this.spells(slots[slot] - 1, bytes, start, end)) slot = (slot + 1) & mask;
    return slot;
  }

  /** Whether these bytes are the piece of `id`, which may be missing. */
  private spells(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { bounds, blob } = this;
    if (id < 0 || id >= this.nextId) return false;
    const length = end - start;
    const other = bounds[2 * id];
    if (other === ABSENT || bounds[2 * id + 1] - other !== length) return false;
    let same = 0;
    while (same < length && bytes[start + same] === blob[other + same]) same++;
    return same === length;
  }
}

// FNV-1a with final mixing, so that the low bits, which select the slot, depend on all.
const HASH_START = 0x811c9dc5;

function hashStep(value: number, byte: number): number {
  return Math.imul(value ^ byte, 0x01000193);
}

function hashEnd(value: number): number {
  const mixed = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 13);
}

function slotsFor(pieces: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(8, 2 * pieces)));
}

function grown<T extends Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(from: ArrayLike<number>, to: T): T {
  to.set(from);
  return to;
}
