import type { TokenDetails } from '../../../../src-main/protocol/app/chats/chat.ts';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';

/** Details are loaded and evicted in pieces of this many tokens. */
const PIECE = 64;
/** Pieces kept in memory, of all replies together: about 2,000 tokens. */
const PIECES = 32;
/** Minimum delay before a failed piece is requested again, ms. */
const RETRY_AFTER_MS = 2000;

/** Null: nothing was stored. Undefined: not loaded yet. */
type Piece = (TokenDetails | null | undefined)[];

/** The latest request for a piece. */
interface Asked {
  readonly at: number;
  pending: boolean;
  /** It says nothing about tokens from here on, which did not exist yet. */
  end: number;
}

/** Loads the details of tokens of the reply `turn`, from index `from`. Null where none were stored. */
export type LoadDetails = (turn: string, from: number, count: number) => Promise<(TokenDetails | null)[]>;

/** The pieces of all replies, least recently used first. */
// eslint-disable-next-line svelte/prefer-svelte-reactivity -- `#arrived` signals changes
const pieces = new Map<string, Piece>();

function touch(key: string): Piece {
  const piece = pieces.get(key) ?? new Array<undefined>(PIECE).fill(undefined);
  pieces.delete(key);
  pieces.set(key, piece);
  for (const oldest of pieces.keys()) {
    if (pieces.size <= PIECES) break;
    pieces.delete(oldest);
  }
  return piece;
}

/** Details of the tokens of one reply: the latest in memory, the others loaded on demand. */
export class ReplyDetails {
  readonly #turn: string;
  #load: LoadDetails | null = null;
  /** Incremented when details arrive, to notify readers. */
  #arrived = $state(0);
  #error = $state.raw<string | null>(null);
  /** Ranks seen so far, which stay when their details are evicted; 0: none was stored. */
  readonly #ranks: (number | undefined)[] = [];
  /** The reply that this one branched from, and the number of tokens that both have. */
  #inherited: { readonly from: ReplyDetails; readonly count: number } | null = null;
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- Nothing on screen depends on it.
  readonly #asked = new Map<number, Asked>();

  constructor(turn: string) {
    this.#turn = turn;
  }

  use(load: LoadDetails): void {
    this.#load = load;
  }

  /** The first `count` tokens are those of another reply, and so are their details. */
  inherit(from: ReplyDetails, count: number): void {
    this.#inherited = { from, count };
  }

  /** Why the last load failed, or null. */
  get error(): string | null {
    return this.#error ?? this.#inherited?.from.error ?? null;
  }

  /** Whether the rank of some of the first `count` tokens was not stored, as far as `rank` was called. Reactive. */
  lacksRanks(count: number): boolean {
    void this.#arrived;
    const inherited = this.#inherited;
    for (let index = inherited?.count ?? 0; index < count; index++) {
      const known = this.#ranks[index];
      // Without a loader, nothing will arrive.
      if (known === 0 || (known === undefined && this.#load === null)) return true;
    }
    return inherited !== null && inherited.from.lacksRanks(Math.min(count, inherited.count));
  }

  put(index: number, details: TokenDetails): void {
    touch(this.#key(index))[index % PIECE] = details;
    this.#ranks[index] = details.rank;
  }

  /** Another page has added tokens from `from` to before `end`, of which earlier answers say nothing. */
  arrived(from: number, end: number): void {
    for (const asked of this.#asked.values()) asked.end = Math.min(asked.end, from);
    for (let index = from; index < end; index++) if (this.#ranks[index] === 0) this.#ranks[index] = undefined;
  }

  /** Rank of a token; null while loading, or if unknown. Reactive. */
  rank(index: number): number | null {
    const inherited = this.#from(index);
    if (inherited !== null) return inherited.rank(index);
    void this.#arrived;
    const known = this.#ranks[index];
    if (known === undefined) this.#ask(index);
    return known === undefined || known === 0 ? null : known;
  }

  /** Null while loading, or if none are known. Reactive. */
  get(index: number): TokenDetails | null {
    const inherited = this.#from(index);
    if (inherited !== null) return inherited.get(index);
    void this.#arrived;
    const known = this.#known(index);
    if (known === undefined) this.#ask(index);
    return known ?? null;
  }

  /** It was loaded, and nothing was stored. */
  isMissing(index: number): boolean {
    const inherited = this.#from(index);
    if (inherited !== null) return inherited.isMissing(index);
    void this.#arrived;
    return this.#known(index) === null || (this.#known(index) === undefined && this.#load === null);
  }

  /** The details that a token's are among, if they are another reply's. */
  #from(index: number): ReplyDetails | null {
    return this.#inherited !== null && index < this.#inherited.count ? this.#inherited.from : null;
  }

  #key(index: number): string {
    return `${this.#turn} ${Math.floor(index / PIECE)}`;
  }

  #known(index: number): TokenDetails | null | undefined {
    const key = this.#key(index);
    const known = pieces.has(key) ? touch(key)[index % PIECE] : undefined;
    if (known !== null) return known;
    const asked = this.#asked.get(Math.floor(index / PIECE));
    // The answer may be to an earlier request, also of an earlier time that the chat was open.
    return asked === undefined || asked.pending || index >= asked.end ? undefined : null;
  }

  #ask(index: number): void {
    const load = this.#load;
    const number = Math.floor(index / PIECE);
    const before = this.#asked.get(number);
    if (load === null || before?.pending === true) return;
    if (before !== undefined && performance.now() - before.at < RETRY_AFTER_MS && this.#error !== null) return;
    const asked: Asked = { at: performance.now(), pending: true, end: Infinity };
    this.#asked.set(number, asked);
    load(this.#turn, number * PIECE, PIECE)
      .then(
        (found) => {
          const piece = touch(this.#key(index));
          for (let at = 0; at < PIECE; at++) {
            const token = number * PIECE + at;
            piece[at] ??= found[at] ?? null;
            if (piece[at] !== null || token < asked.end) this.#ranks[token] ??= piece[at]?.rank ?? 0;
          }
          this.#error = null;
        },
        (thrown: unknown) => {
          this.#error = EngineError.from(thrown).message;
          asked.end = 0;
        },
      )
      .finally(() => {
        asked.pending = false;
        this.#arrived++;
      });
  }
}
