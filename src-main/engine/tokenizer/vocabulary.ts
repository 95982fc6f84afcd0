import type { JsonPart } from './json-part.ts';

/** More than any tokenizer has; keeps a damaged file from claiming gigabytes. */
const MAX_ID = 2 ** 22;

/** Pieces and ids, both ways. Ids may have gaps. */
export class Vocabulary {
  private readonly ids = new Map<string, number>();
  private readonly pieces: (string | undefined)[] = [];
  /** UTF-16 length of the longest piece. */
  longestPiece = 0;

  /** The vocabulary whose token i is piece i. Of equal pieces the last one is found by its text, as in llama.cpp. */
  static fromPieces(pieces: Iterable<string>): Vocabulary {
    const vocabulary = new Vocabulary();
    for (const piece of pieces) {
      vocabulary.ids.set(piece, vocabulary.pieces.length);
      vocabulary.pieces.push(piece);
      vocabulary.longestPiece = Math.max(vocabulary.longestPiece, piece.length);
    }
    return vocabulary;
  }

  /** Adds the object `{ piece: id, ... }`. */
  addAll(part: JsonPart): void {
    for (const [piece, id] of part.entries()) this.add(piece, id);
  }

  /** Adding the same pair again changes nothing. */
  add(piece: string, idPart: JsonPart): number {
    const id = idPart.count(MAX_ID);
    const known = this.ids.get(piece);
    if (known !== undefined && known !== id)
      throw idPart.malformed(`gives "${piece}" the id ${id}, which has the id ${known}`);
    const taken = this.pieces[id];
    if (taken !== undefined && taken !== piece)
      throw idPart.malformed(`gives the id ${id} to "${piece}" and to "${taken}"`);
    this.ids.set(piece, id);
    this.pieces[id] = piece;
    this.longestPiece = Math.max(this.longestPiece, piece.length);
    return id;
  }

  /** One more than the highest id. */
  get size(): number {
    return this.pieces.length;
  }

  id(piece: string): number | undefined {
    return this.ids.get(piece);
  }

  piece(id: number): string | undefined {
    return this.pieces[id];
  }
}
