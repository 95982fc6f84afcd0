import type { JsonPart } from './json-part.ts';

/** More than any tokenizer has; keeps a damaged file from claiming gigabytes. */
const MAX_ID = 2 ** 22;

/** Pieces and ids, both ways. Ids may have gaps. */
export class Vocabulary {
  private readonly ids = new Map<string, number>();
  private readonly pieces: (string | undefined)[] = [];
  /** UTF-16 length of the longest piece. */
  longestPiece = 0;

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
