import { EngineError } from '../../errors.ts';
import type { TokenKind, TokenPiece } from '../../types.ts';
import { bytesOfPiece } from '../byte-level/alphabet.ts';
import type { EncodeOptions, StreamOptions, Tokenizer, TokenStream } from '../tokenizer.ts';
import { Utf8Stream } from '../utf8.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { SPACE, type GgufModel } from './model.ts';
import { tokenFinder, type Fragment, type TextToken } from './special-tokens.ts';
import { ATTRIBUTE, isSpecialAttribute, kindOf } from './token-attributes.ts';

export interface GgufTokenizerParts {
  readonly vocabulary: Vocabulary;
  /** `[vocabulary]`: bits of ATTRIBUTE. */
  readonly attributes: Uint8Array;
  readonly model: GgufModel;
  /** Encoding of ordinary pieces: bytes in GPT-2's alphabet, or text with U+2581 for spaces. */
  readonly writing: 'bytes' | 'text';
  /** Whether decoding removes the leading space of a text's first token. */
  readonly addSpacePrefix: boolean;
  readonly unkTokenId: number | null;
  /** Added around a text with `addSpecial`. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly spacing?: SpecialSpacing;
}

/** Special tokens that include white space before or after them. */
export interface SpecialSpacing {
  before(id: number): boolean;
  after(id: number): boolean;
}

/** An unpaired surrogate, which is allowed in JavaScript strings, but not in Unicode text or by tokenizers. */
const LONE_SURROGATE = /\p{Surrogate}/gu;

const NOTHING = new Uint8Array(0);

/** A tokenizer from a GGUF file, with llama.cpp's behaviour. A lone surrogate counts as U+FFFD. */
export class GgufTokenizer implements Tokenizer {
  readonly vocabularySize: number;
  readonly bosTokenId: number | null;
  readonly unkTokenId: number | null;
  private readonly findAll: (text: string) => Fragment[];
  private readonly findUserDefined: (text: string) => Fragment[];
  private readonly findersWithout = new WeakMap<ReadonlySet<number>, (text: string) => Fragment[]>();
  private readonly encoder = new TextEncoder();

  constructor(private readonly parts: GgufTokenizerParts) {
    this.vocabularySize = parts.vocabulary.size;
    this.bosTokenId = parts.before[0] ?? null;
    this.unkTokenId = parts.unkTokenId;
    const tokens = textTokens(parts);
    this.findAll = tokenFinder(tokens);
    this.findUserDefined = tokenFinder(tokens.filter(({ id }) => !this.isSpecial(id)));
  }

  encode(text: string, options: EncodeOptions = {}): number[] {
    const ids: number[] = [];
    this.eachToken(text, options, (id) => ids.push(id));
    return ids;
  }

  encodePieces(text: string, options: EncodeOptions = {}): TokenPiece[] {
    const pieces: TokenPiece[] = [];
    this.eachToken(text, options, (id, range) => {
      const unknown = id === this.unkTokenId;
      const bytes = Array.from(this.bytes(id));
      pieces.push({
        id,
        piece: this.piece(id),
        bytes,
        kind: this.kind(id),
        special: this.isSpecial(id),
        unknown,
        range,
      });
    });
    return pieces;
  }

  decode(ids: readonly number[], skipSpecial = true): string {
    const stream = this.stream({ skipSpecial });
    return ids.map((id) => stream.push(id)).join('') + stream.flush();
  }

  piece(id: number): string {
    return this.parts.vocabulary.piece(id) ?? this.noSuchToken(id);
  }

  bytes(id: number): Uint8Array {
    const { vocabulary, attributes, writing } = this.parts;
    const raw = vocabulary.bytes(id) ?? this.noSuchToken(id);
    const bits = attributes[id];
    if (bits & (ATTRIBUTE.control | ATTRIBUTE.unknown | ATTRIBUTE.userDefined)) return raw;
    if (bits & ATTRIBUTE.normal) {
      const piece = this.piece(id);
      return writing === 'bytes'
        ? bytesOfPiece(piece)
        : piece.includes(SPACE)
          ? this.encoder.encode(piece.replaceAll(SPACE, ' '))
          : raw;
    }
    return bits & ATTRIBUTE.byte ? byteOf(this.piece(id)) : NOTHING;
  }

  kind(id: number): TokenKind {
    return kindOf(this.parts.attributes[id] ?? 0);
  }

  isSpecial(id: number): boolean {
    return isSpecialAttribute(this.parts.attributes[id] ?? 0);
  }

  stream({ skipSpecial = true, continues = false }: StreamOptions = {}): TokenStream {
    const text = new Utf8Stream();
    let removeSpace = this.parts.addSpacePrefix && !continues;
    return {
      push: (id) => {
        const bytes = this.bytes(id);
        const first = removeSpace;
        removeSpace = false;
        if (skipSpecial && this.isSpecial(id)) return '';
        return text.push(first && bytes[0] === 0x20 ? bytes.subarray(1) : bytes);
      },
      get pending() {
        return text.pending;
      },
      flush: () => text.flush(),
    };
  }

  private finder({ parseSpecial, asText }: EncodeOptions): (text: string) => Fragment[] {
    if (parseSpecial) return this.findAll;
    if (asText === undefined || asText.size === 0) return this.findUserDefined;
    const known = this.findersWithout.get(asText);
    if (known !== undefined) return known;
    const tokens = textTokens(this.parts).filter(({ id }) => !this.isSpecial(id) && !asText.has(id));
    const made = tokenFinder(tokens);
    this.findersWithout.set(asText, made);
    return made;
  }

  private eachToken(
    text: string,
    options: EncodeOptions,
    found: (id: number, range: TokenPiece['range']) => void,
  ): void {
    const { model, before, after } = this.parts;
    const { addSpecial = true } = options;
    const wellFormed = text.replaceAll(LONE_SURROGATE, '\ufffd');
    if (addSpecial) before.forEach((id) => found(id, null));
    let afterToken = true;
    for (const { start, end, token } of this.finder(options)(wellFormed)) {
      if (token !== null) found(token, [start, end]);
      else {
        for (const part of model.tokenize(wellFormed.slice(start, end), afterToken)) {
          found(part.id, [start + part.start, start + part.end]);
        }
      }
      afterToken = token !== null;
    }
    if (addSpecial) after.forEach((id) => found(id, null));
  }

  private noSuchToken(id: number): never {
    throw new EngineError('BAD_REQUEST', `There is no token ${id}: ids run from 0 to ${this.vocabularySize - 1}.`, {
      id,
      vocabularySize: this.vocabularySize,
    });
  }
}

/** Tokens that are found literally in a text: control tokens on request, user-defined ones always. */
function textTokens({ vocabulary, attributes, spacing }: GgufTokenizerParts): TextToken[] {
  const tokens: TextToken[] = [];
  const wanted = ATTRIBUTE.control | ATTRIBUTE.unknown | ATTRIBUTE.userDefined;
  for (let id = 0; id < vocabulary.size; id++) {
    const text = attributes[id] & wanted ? vocabulary.piece(id) : undefined;
    if (text === undefined) continue;
    tokens.push({
      id,
      text,
      takesSpaceBefore: spacing?.before(id) ?? false,
      takesSpaceAfter: spacing?.after(id) ?? false,
    });
  }
  return tokens;
}

/** The byte of a piece such as `<0x0A>`; none for any other piece. */
function byteOf(piece: string): Uint8Array {
  const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(piece);
  return hex ? Uint8Array.of(parseInt(hex[1], 16)) : NOTHING;
}
