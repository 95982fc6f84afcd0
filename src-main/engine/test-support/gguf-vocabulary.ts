/**
 * GGUF files with only a vocabulary, made from a `tokenizer.json` by the rules of llama.cpp's converter, so that
 * third-party vocabularies need not be stored.
 */
import { layOutGguf, type TypedValue } from '../formats/gguf/writer.ts';
import { TOKEN_TYPES } from '../tokenizer/gguf/token-attributes.ts';

/** The parts of a `tokenizer.json` that the conversion uses. */
interface TokenizerJson {
  readonly added_tokens: readonly { id: number; content: string; special: boolean }[];
  readonly model: {
    readonly type: string;
    readonly vocab: Readonly<Record<string, number>> | readonly (readonly [piece: string, score: number])[];
    readonly merges?: readonly (string | readonly [string, string])[];
    readonly unk_token?: string;
  };
}

/** `tokenizer.ggml.*` keys with values as text, as printed by llama.cpp. */
export type PrintedMetadata = Readonly<Record<string, string>>;

/**
 * @param metadata scalar keys of the new file
 * @returns the bytes of a GGUF file
 */
export function ggufVocabulary(json: string, metadata: PrintedMetadata): Uint8Array {
  const tokenizer = JSON.parse(json) as TokenizerJson;
  const kind = metadata['tokenizer.ggml.model'];
  const pieces = piecesOf(tokenizer);
  const types = typesOf(tokenizer, pieces, kind);
  const texts = pieces.map((piece, id) => {
    if (piece === undefined) return `[PAD${id}]`;
    if (kind === 'bert' && types[id] !== TOKEN_TYPES.control) return wordPiece(piece);
    return kind === 'llama' && types[id] === TOKEN_TYPES.userDefined ? piece.replaceAll('▁', ' ') : piece;
  });
  const values = new Map<string, TypedValue>([
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['tokenizer.ggml.tokens', { type: 'array', value: texts }],
    ['tokenizer.ggml.token_type', { type: 'array', value: types }],
  ]);
  const merges = (tokenizer.model.merges ?? []).map((merge) => (typeof merge === 'string' ? merge : merge.join(' ')));
  if (kind === 'gpt2') values.set('tokenizer.ggml.merges', { type: 'array', value: merges });
  if (kind === 'llama')
    values.set('tokenizer.ggml.scores', { type: 'array', value: scoresOf(tokenizer, pieces, merges) });
  if (kind === 't5') values.set('tokenizer.ggml.scores', { type: 'array', value: unigramScores(tokenizer) });
  for (const [key, value] of Object.entries(metadata)) values.set(key, typed(value));
  return layOutGguf(values, []).header;
}

function typed(value: string): TypedValue {
  if (value === 'true' || value === 'false') return { type: 'bool', value: value === 'true' };
  return /^\d+$/.test(value) ? { type: 'uint32', value: Number(value) } : { type: 'string', value };
}

/** By id, with gaps. */
function piecesOf({ model, added_tokens }: TokenizerJson): (string | undefined)[] {
  const pieces: (string | undefined)[] = [];
  if (Array.isArray(model.vocab)) model.vocab.forEach(([piece], id) => (pieces[id] = piece as string));
  else for (const [piece, id] of Object.entries(model.vocab as Record<string, number>)) pieces[id] = piece;
  for (const { id, content } of added_tokens) pieces[id] = content;
  return Array.from(pieces);
}

/** WordPiece marks the start of a word where `tokenizer.json` marks the rest. */
function wordPiece(piece: string): string {
  return piece.startsWith('##') ? piece.slice(2) : `▁${piece}`;
}

function typesOf(tokenizer: TokenizerJson, pieces: readonly (string | undefined)[], kind: string): Int32Array {
  const added = new Map(tokenizer.added_tokens.map((token) => [token.id, token]));
  const sentencePiece = kind === 'llama' || kind === 't5';
  const unknown = unknownPiece(tokenizer);
  return Int32Array.from(pieces, (piece, id) => {
    if (piece === undefined) return TOKEN_TYPES.unused;
    if (sentencePiece && piece === unknown) return TOKEN_TYPES.unknown;
    const token = added.get(id);
    if (token) return token.special || looksSpecial(piece) ? TOKEN_TYPES.control : TOKEN_TYPES.userDefined;
    return sentencePiece && /^<0x[0-9A-F]{2}>$/.test(piece) ? TOKEN_TYPES.byte : TOKEN_TYPES.normal;
  });
}

function unknownPiece({ model }: TokenizerJson): string | undefined {
  return Array.isArray(model.vocab) ? (model.vocab[0] as [string, number])[0] : model.unk_token;
}

/** The converter's `does_token_look_special`. */
function looksSpecial(piece: string): boolean {
  return (
    ['<pad>', '<mask>', '<2mass>', '[@BOS@]'].includes(piece) ||
    /^<\|[^]*\|>$/.test(piece) ||
    /^<｜[^]*｜>$/.test(piece) ||
    /^<unused[^]*>$/.test(piece)
  );
}

/** Pieces in the order of their merges; pieces without a merge come last. */
function scoresOf(
  tokenizer: TokenizerJson,
  pieces: readonly (string | undefined)[],
  merges: readonly string[],
): Float32Array {
  const ranks = new Map<string, number>();
  for (const merge of merges) {
    const made = merge.replace(' ', '');
    if (!ranks.has(made)) ranks.set(made, ranks.size);
  }
  const added = new Set(tokenizer.added_tokens.map(({ id }) => id));
  return Float32Array.from(pieces, (piece = '', id) => {
    if (added.has(id)) return -1000;
    if (/^<0x[0-9A-F]{2}>$/.test(piece)) return 0;
    const rank = ranks.get(piece);
    return rank === undefined ? -(1e6 + id) : -rank;
  });
}

function unigramScores({ model, added_tokens }: TokenizerJson): Float32Array {
  const scores = (model.vocab as readonly (readonly [string, number])[]).map(([, score]) => score);
  for (const { id } of added_tokens) scores[id] = 0;
  return Float32Array.from(scores);
}
