import type { TokenDetails } from '../../../../src-main/protocol/app/chats/chat.ts';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';

/** Details are read and forgotten in pieces of so many tokens. */
const PIECE = 64;
/** Pieces kept in memory, of all replies together: about 2,000 tokens. */
const PIECES = 32;
/** After a failure the same piece is not asked for again before this, ms. */
const RETRY_AFTER_MS = 2000;

/** Null for an entry that is not known to anybody; undefined for one that was not asked for yet. */
type Piece = (TokenDetails | null | undefined)[];

/** Reads the details of tokens of the reply `turn`, from index `from`. Null where nothing was stored for a token. */
export type LoadDetails = (turn: string, from: number, count: number) => Promise<(TokenDetails | null)[]>;

/** The pieces of all replies, least recently used first. What arrives is told by `#arrived`. */
// eslint-disable-next-line svelte/prefer-svelte-reactivity
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

/** What is known of the tokens of one reply beside their text: the latest in memory, the others on demand. */
export class ReplyDetails {
  readonly #turn: string;
  #load: LoadDetails | null = null;
  /** Grows when something arrives, so that readers look again. */
  #arrived = $state(0);
  #error = $state.raw<string | null>(null);
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- Nothing on screen depends on it.
  readonly #asked = new Map<number, { at: number; pending: boolean }>();

  constructor(turn: string) {
    this.#turn = turn;
  }

  use(load: LoadDetails): void {
    this.#load = load;
  }

  /** Why the last reading failed; null: it did not. */
  get error(): string | null {
    return this.#error;
  }

  put(index: number, details: TokenDetails): void {
    touch(this.#key(index))[index % PIECE] = details;
  }

  /** Null while they are read and where none are known. Reactive. */
  get(index: number): TokenDetails | null {
    void this.#arrived;
    const known = this.#known(index);
    if (known === undefined) this.#ask(index);
    return known ?? null;
  }

  /** It was asked for, and nothing was ever stored. */
  isMissing(index: number): boolean {
    void this.#arrived;
    return this.#known(index) === null || (this.#known(index) === undefined && this.#load === null);
  }

  #key(index: number): string {
    return `${this.#turn} ${Math.floor(index / PIECE)}`;
  }

  #known(index: number): TokenDetails | null | undefined {
    const key = this.#key(index);
    return pieces.has(key) ? touch(key)[index % PIECE] : undefined;
  }

  #ask(index: number): void {
    const load = this.#load;
    const number = Math.floor(index / PIECE);
    const before = this.#asked.get(number);
    if (load === null || before?.pending === true) return;
    if (before !== undefined && performance.now() - before.at < RETRY_AFTER_MS && this.#error !== null) return;
    const asked = { at: performance.now(), pending: true };
    this.#asked.set(number, asked);
    load(this.#turn, number * PIECE, PIECE)
      .then(
        (found) => {
          const piece = touch(this.#key(index));
          for (let at = 0; at < PIECE; at++) piece[at] ??= found[at] ?? null;
          this.#error = null;
        },
        (thrown: unknown) => {
          this.#error = EngineError.from(thrown).message;
        },
      )
      .finally(() => {
        asked.pending = false;
        this.#arrived++;
      });
  }
}
