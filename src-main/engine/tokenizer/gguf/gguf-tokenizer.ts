import type { TokenKind } from '../../api/types.ts';
import {
  BaseTokenizer,
  noSuchToken,
  type BaseTokenizerParts,
  type Decoding,
  type TokenSink,
  type Section,
} from '../base-tokenizer.ts';
import { bytesOfPiece } from '../byte-level/alphabet.ts';
import type { EncodeOptions } from '../tokenizer.ts';
import { Utf8Stream } from '../utf8.ts';
import { SPACE, type GgufModel } from './model.ts';
import { tokenFinder, type TextToken, type TokenFinder } from './special-tokens.ts';
import { ATTRIBUTE, isSpecialAttribute, kindOf } from './token-attributes.ts';

export interface GgufTokenizerParts extends BaseTokenizerParts {
  /** `[vocabulary]`: bits of ATTRIBUTE. */
  readonly attributes: Uint8Array;
  readonly model: GgufModel;
  /** Encoding of ordinary pieces: bytes in GPT-2's alphabet, or text with U+2581 for spaces. */
  readonly writing: 'bytes' | 'text';
  /** Whether decoding removes the leading space of a text's first token. */
  readonly addSpacePrefix: boolean;
  readonly spacing?: SpecialSpacing;
}

/** Special tokens that include white space before or after them. */
export interface SpecialSpacing {
  before(id: number): boolean;
  after(id: number): boolean;
}

const NOTHING = new Uint8Array(0);

/** A tokenizer as GGUF files describe it, with llama.cpp's behaviour. */
export class GgufTokenizer extends BaseTokenizer {
  private readonly findAll: TokenFinder;
  private readonly findUserDefined: TokenFinder;
  private readonly encoder = new TextEncoder();

  constructor(private readonly parts: GgufTokenizerParts) {
    super({ ...parts, mergeRank: parts.model.mergeRank });
    const tokens = textTokens(parts);
    this.findAll = tokenFinder(tokens);
    this.findUserDefined = tokenFinder(tokens.filter(({ id }) => !this.isSpecial(id)));
  }

  bytes(id: number): Uint8Array {
    const { attributes, writing } = this.parts;
    const raw = this.vocabulary.bytes(id);
    if (raw === undefined) throw noSuchToken(id, this.vocabularySize);
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

  protected startDecoding(continues: boolean): Decoding {
    const text = new Utf8Stream();
    const removesSpace = this.parts.addSpacePrefix && !continues;
    return {
      text,
      push: (id, isFirst) => {
        const bytes = this.bytes(id);
        return text.push(isFirst && removesSpace && bytes[0] === 0x20 ? bytes.subarray(1) : bytes);
      },
    };
  }

  protected sections(text: string, options: EncodeOptions): readonly Section[] {
    const find = options.parseSpecial ? this.findAll : this.findUserDefined;
    return find(text, options.staysText);
  }

  protected encodeSection(section: string, start: number, _options: EncodeOptions, found: TokenSink): void {
    // Between two sections of text there always is a token.
    const afterToken = true;
    for (const part of this.parts.model.tokenize(section, afterToken)) {
      found(part.id, () => [start + part.start, start + part.end]);
    }
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
