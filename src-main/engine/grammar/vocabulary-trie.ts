import { bytesAfter } from './utf8.ts';

/** The tokens of a vocabulary that a grammar may use, by their bytes. */
export interface TokenBytes {
  /** Ids are below this. */
  readonly size: number;
  /** UTF-8, possibly a partial character; null for a token that is not text. */
  bytes(id: number): Uint8Array | null;
}

/**
 * A trie of the tokens' bytes in depth-first order: the subtree of a node extends from the next node to `skip[node]`.
 * Node 0 is the root.
 */
export class VocabularyTrie {
  /** `[nodes]` */
  readonly byte: Uint8Array;
  /** `[nodes]`: bytes from the root. */
  readonly depth: Uint16Array;
  /** `[nodes]`: the first node after the subtree. */
  readonly skip: Int32Array;
  /** `[nodes + 1]`: the tokens that end at node i are `tokens[tokenStart[i]]` up to `tokenStart[i + 1]`. */
  readonly tokenStart: Int32Array;
  readonly tokens: Int32Array;
  readonly maxDepth: number;
  /** Code points that are a single token, ascending. */
  readonly singleCharacters: Int32Array;

  constructor(readonly vocabulary: TokenBytes) {
    const entries: { id: number; bytes: Uint8Array }[] = [];
    for (let id = 0; id < vocabulary.size; id++) {
      const bytes = vocabulary.bytes(id);
      if (bytes !== null && bytes.length > 0 && bytes.length <= MAX_TOKEN_BYTES) entries.push({ id, bytes });
    }
    entries.sort((a, b) => compareBytes(a.bytes, b.bytes) || a.id - b.id);

    const byte: number[] = [0];
    const depth: number[] = [0];
    const tokenStart: number[] = [0];
    let previous = new Uint8Array(0);
    entries.forEach(({ bytes }, index) => {
      const common = commonPrefix(previous, bytes);
      for (let i = common; i < bytes.length; i++) {
        byte.push(bytes[i]);
        depth.push(i + 1);
        // Tokens before this one end at earlier nodes.
        tokenStart.push(index);
      }
      previous = bytes as Uint8Array<ArrayBuffer>;
    });
    tokenStart.push(entries.length);

    this.byte = Uint8Array.from(byte);
    this.depth = Uint16Array.from(depth);
    this.tokenStart = Int32Array.from(tokenStart);
    this.tokens = Int32Array.from(entries, ({ id }) => id);
    this.maxDepth = depth.reduce((max, value) => Math.max(max, value), 0);
    this.skip = subtreeEnds(this.depth);
    this.singleCharacters = singleCharacters(entries.map((entry) => entry.bytes));
  }

  /** The tokens with exactly these bytes, ascending. */
  find(bytes: Uint8Array): Int32Array {
    let node = 0;
    for (const byte of bytes) {
      let child = node + 1;
      while (child < this.skip[node] && this.byte[child] !== byte) child = this.skip[child];
      if (child >= this.skip[node]) return new Int32Array(0);
      node = child;
    }
    return this.tokens.subarray(this.tokenStart[node], this.tokenStart[node + 1]);
  }
}

/** Longer tokens, for example runs of spaces and dashes, are excluded: depths are 16 bits. */
const MAX_TOKEN_BYTES = 4096;

function singleCharacters(tokens: readonly Uint8Array[]): Int32Array {
  const decoder = new TextDecoder();
  const whole = tokens.filter((bytes) => bytes.length <= 4 && bytesAfter(bytes[0]) === bytes.length - 1);
  return Int32Array.from(new Set(whole.map((bytes) => decoder.decode(bytes).codePointAt(0)!))).sort();
}

function subtreeEnds(depth: Uint16Array): Int32Array {
  const ends = new Int32Array(depth.length).fill(depth.length);
  const open: number[] = [];
  depth.forEach((level, node) => {
    while (open.length > 0 && depth[open[open.length - 1]] >= level) ends[open.pop()!] = node;
    open.push(node);
  });
  return ends;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

function commonPrefix(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  let common = 0;
  while (common < length && a[common] === b[common]) common++;
  return common;
}
