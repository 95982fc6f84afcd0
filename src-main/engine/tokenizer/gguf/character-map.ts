import { EngineError } from '../../api/errors.ts';

/**
 * SentencePiece's precompiled character map (`tokenizer.ggml.precompiled_charsmap`): a trie from byte sequences to their
 * replacements, as a double array whose offsets are combined by XOR (Kanda, 2018), then the replacements, each ended by a
 * zero byte. A node's 32 bits: check 0..7, leaf 8, wide offset 9, offset 10..30; a value 0..30.
 */
export class CharacterMap {
  private readonly nodes: Uint32Array;
  private readonly replacements: Uint8Array;

  /** @throws EngineError MODEL_FORMAT when the sizes are inconsistent */
  constructor(
    bytes: Uint8Array,
    private readonly fileName: string,
  ) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const size = bytes.length >= 4 ? view.getUint32(0, true) : 0;
    if (bytes.length < 4 || size + 4 >= bytes.length) throw this.damaged('is shorter than its header says');
    this.nodes = Uint32Array.from({ length: Math.floor(size / 4) }, (_, i) => view.getUint32(4 + 4 * i, true));
    this.replacements = bytes.subarray(4 + size);
  }

  /**
   * The longest sequence at the start of `text[start..]`.
   * @returns its length in bytes and its replacement; null when none matches
   */
  match(text: Uint8Array, start: number): { length: number; replacement: Uint8Array } | null {
    if (this.nodes.length === 0) return null;
    let length = 0;
    let value = 0;
    let index = offsetOf(this.node(0));
    for (let at = start; at < text.length; at++) {
      const byte = text[at];
      if (byte === 0) break;
      index ^= byte;
      const node = this.node(index);
      if ((node & 0x8000_00ff) >>> 0 !== byte) break;
      index ^= offsetOf(node);
      if ((node >>> 8) & 1) {
        length = at + 1 - start;
        value = this.node(index) & 0x7fff_ffff;
      }
    }
    return length === 0 ? null : { length, replacement: this.replacement(value) };
  }

  private replacement(start: number): Uint8Array {
    const end = start < this.replacements.length ? this.replacements.indexOf(0, start) : -1;
    if (end === -1) throw this.damaged('points outside its replacements');
    return this.replacements.subarray(start, end);
  }

  private node(index: number): number {
    if (index >= this.nodes.length) throw this.damaged('points outside its nodes');
    return this.nodes[index];
  }

  private damaged(problem: string): EngineError {
    const key = 'tokenizer.ggml.precompiled_charsmap';
    return new EngineError('MODEL_FORMAT', `${this.fileName}: ${key} ${problem}. Download or copy the file again.`, {
      file: this.fileName,
      key,
    });
  }
}

/** Offset of a node's children. */
function offsetOf(node: number): number {
  return ((node >>> 10) << ((node & 0x200) >>> 6)) >>> 0;
}
