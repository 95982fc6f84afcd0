import { BYTE, JsonCursor, UnexpectedJson } from './json-cursor.ts';
import { TextBlock } from './text-block.ts';
import { PackedPairs, PackedRecord } from './packed-parts.ts';

const SPACE = 0x20;

/**
 * Parses a `tokenizer.json`. Its `model.vocab` and `model.merges`, which are almost all of it, become packed parts, in a
 * third of the time that JSON.parse takes to create a million strings.
 *
 * @returns undefined for a file that needs JSON.parse: it is damaged, not UTF-8, or written in an unusual way
 */
export function parseTokenizerJson(bytes: Uint8Array): unknown {
  try {
    return new TokenizerJsonParser(bytes).parse();
  } catch (error) {
    if (error instanceof UnexpectedJson) return undefined;
    throw error;
  }
}

class TokenizerJsonParser {
  private readonly cursor: JsonCursor;
  private readonly packed = new Map<string, PackedRecord | PackedPairs>();
  /** The file without the contents of packed parts. */
  private readonly rest: Uint8Array[] = [];
  private restFrom = 0;

  constructor(private readonly bytes: Uint8Array) {
    this.cursor = new JsonCursor(bytes);
  }

  parse(): unknown {
    this.eachKey((key) => {
      if (key === 'model' && this.cursor.peek() === BYTE.openObject) this.eachKey((key) => this.modelPart(key));
      else this.cursor.skip();
    });
    this.rest.push(this.bytes.subarray(this.restFrom));
    const json = parseOrThrow(this.rest);
    for (const [key, part] of this.packed) json.model[key] = part;
    return json;
  }

  private modelPart(key: string): void {
    const next = this.cursor.peek();
    if (key === 'vocab' && next === BYTE.openObject) this.pack(key, () => this.record());
    else if (key === 'merges' && next === BYTE.openList) this.pack(key, () => this.pairs());
    else this.cursor.skip();
  }

  /** Parses an object; `member` receives its keys and consumes their values. Duplicate keys are left to JSON.parse. */
  private eachKey(member: (key: string) => void): void {
    const keys = new Set<string>();
    this.cursor.members(BYTE.openObject, BYTE.closeObject, () => {
      const key = this.cursor.key();
      if (keys.has(key)) throw new UnexpectedJson();
      keys.add(key);
      member(key);
    });
  }

  private pack(key: string, read: () => PackedRecord | PackedPairs): void {
    this.rest.push(this.bytes.subarray(this.restFrom, this.cursor.at + 1));
    this.packed.set(key, read());
    this.restFrom = this.cursor.at - 1;
  }

  private record(): PackedRecord {
    const { cursor } = this;
    const keys = this.newBlock();
    const values: number[] = [];
    cursor.members(BYTE.openObject, BYTE.closeObject, () => {
      keys.close(cursor.text(keys));
      cursor.expect(BYTE.colon);
      values.push(cursor.count());
    });
    if (!keys.isUtf8()) throw new UnexpectedJson();
    return new PackedRecord(keys, new Uint32Array(values));
  }

  /** Allocates for a part of the remaining bytes, because an indented file is mostly white space. */
  private newBlock(): TextBlock {
    return new TextBlock(Math.ceil((this.bytes.length - this.cursor.at) / 4));
  }

  private pairs(): PackedPairs {
    const { cursor } = this;
    const texts = this.newBlock();
    cursor.members(BYTE.openList, BYTE.closeList, () => {
      if (cursor.peek() === BYTE.quote) return this.spacedPair(texts);
      cursor.expect(BYTE.openList);
      texts.close(cursor.text(texts));
      cursor.expect(BYTE.comma);
      texts.close(cursor.text(texts));
      cursor.expect(BYTE.closeList);
    });
    if (!texts.isUtf8()) throw new UnexpectedJson();
    return new PackedPairs(texts);
  }

  /** `"left right"` */
  private spacedPair(texts: TextBlock): void {
    const end = this.cursor.text(texts);
    const { blob } = texts;
    let middle = texts.used;
    while (middle < end && blob[middle] !== SPACE) middle++;
    if (middle === end) throw new UnexpectedJson();
    // Moves the text after the space over it.
    for (let at = middle; at + 1 < end; at++) {
      blob[at] = blob[at + 1];
      if (blob[at] === SPACE) throw new UnexpectedJson();
    }
    texts.close(middle);
    texts.close(end - 1);
  }
}

function parseOrThrow(parts: readonly Uint8Array[]): { model: Record<string, unknown> } {
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    const text = parts.map((part) => decoder.decode(part, { stream: true })).join('') + decoder.decode();
    return JSON.parse(text) as { model: Record<string, unknown> };
  } catch (cause) {
    throw new UnexpectedJson('not JSON', { cause });
  }
}
