import { Vocabulary } from '../vocabulary.ts';

/** The symbols that merges join: the vocabulary's tokens, and others that merges name. */
export class SymbolTable {
  private readonly others = new Vocabulary();
  private readonly text = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(private readonly vocabulary: Vocabulary) {}

  /** Id of the symbol `bytes[start..end)`: the token's, or one above all tokens; -1 when there is none. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const id = this.vocabulary.idOfBytes(bytes, start, end);
    if (id !== -1) return id;
    const other = this.others.idOfBytes(bytes, start, end);
    return other === -1 ? -1 : this.vocabulary.size + other;
  }

  /** As `find`, adding a symbol if necessary. */
  intern(bytes: Uint8Array, start: number, end: number): number {
    const known = this.find(bytes, start, end);
    if (known !== -1) return known;
    const { size } = this.others;
    this.others.put(this.text.decode(bytes.subarray(start, end)), size);
    return this.vocabulary.size + size;
  }
}
