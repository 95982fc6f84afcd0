import type { JsonPart } from '../json-part.ts';
import type { Pattern } from '../regex/pattern.ts';
import { byteFallbackStep, decodeByteFallback } from './byte-fallback.ts';
import { byteLevelStep, decodeByteLevel, utf8Step } from './byte-level.ts';
import { eachPiece, wholeTextStep, type Decoder, type PieceStep, type TextStep } from './decoder.ts';
import { metaspaceDecoder, metaspaceOfText } from './metaspace.ts';
import { replaceLiteral, replaceStep } from './replace.ts';
import { stripPieces, stripSettings, stripText } from './strip.ts';
import { ctcPiece, ctcSettings, ctcStep, suffixStep } from './suffix.ts';
import { cleanUp, wordPieceDecoder } from './wordpiece.ts';

/** Without a decoder, Hugging Face joins the pieces with spaces. */
const JOIN_WITH_SPACES: Decoder = {
  pieceSteps: [eachPiece((piece, index) => (index === 0 ? piece : ` ${piece}`))],
  textSteps: [],
  joinsBytes: false,
};

/** A step in both forms: for single pieces, and for the fused text, which counts as one piece. */
interface Step {
  pieces(part: JsonPart): PieceStep;
  text(part: JsonPart): TextStep;
}

const STEPS: Record<string, Step> = {
  BPEDecoder: {
    pieces: (part) => suffixStep(part.get('suffix').string()),
    text: (part) => replaceStep(part.get('suffix').string(), ''),
  },
  ByteFallback: { pieces: () => byteFallbackStep, text: () => wholeTextStep(decodeByteFallback) },
  ByteLevel: { pieces: () => byteLevelStep, text: () => wholeTextStep(decodeByteLevel) },
  CTC: {
    pieces: (part) => ctcStep(ctcSettings(part)),
    text: (part) => {
      const settings = ctcSettings(part);
      return wholeTextStep((text) => ctcPiece(text, settings));
    },
  },
  Metaspace: {
    pieces: metaspaceDecoder,
    text: (part) => {
      const { found, content } = metaspaceOfText(part);
      return replaceStep(found, content);
    },
  },
  Replace: {
    pieces: (part) => {
      const content = part.get('content').string();
      const literal = part.get('pattern').get('String');
      if (isText(literal)) return eachPiece((piece) => replaceLiteral(piece, literal.string(), content));
      const pattern = part.get('pattern').pattern();
      return eachPiece((piece) => replaceMatches(piece, pattern, content));
    },
    text: (part) => {
      const content = part.get('content').string();
      const literal = part.get('pattern').get('String');
      if (isText(literal)) return replaceStep(literal.string(), content);
      // The end of a match may depend on text that comes much later.
      const pattern = part.get('pattern').pattern();
      return wholeTextStep((text) => replaceMatches(text, pattern, content));
    },
  },
  Strip: {
    pieces: (part) => stripPieces(stripSettings(part)),
    text: (part) => stripText(stripSettings(part)),
  },
  WordPiece: {
    pieces: wordPieceDecoder,
    text: (part) => wholeTextStep(part.get('cleanup').boolean() ? cleanUp : (text) => text),
  },
};

/** The empty text matches at every position, as for a regular expression. */
const isText = (literal: JsonPart) => !literal.isNull && literal.string() !== '';

function replaceMatches(text: string, pattern: Pattern, content: string): string {
  let result = '';
  let end = 0;
  for (const [start, stop] of pattern.matches(text)) {
    result += text.slice(end, start) + content;
    end = stop;
  }
  return result + text.slice(end);
}

/** The `decoder` of a tokenizer file. */
export function decoderFromJson(part: JsonPart): Decoder {
  if (part.isNull) return JOIN_WITH_SPACES;
  const pieceSteps: PieceStep[] = [];
  const textSteps: TextStep[] = [];
  let fused = false;
  let joinsBytes = false;

  function add(step: JsonPart): void {
    const type = step.get('type');
    if (type.string() === 'Sequence') return step.get('decoders').items().forEach(add);
    if (type.string() === 'Fuse') {
      fused = true;
      return;
    }
    const { pieces, text } = type.choose(STEPS);
    if (fused) textSteps.push(text(step));
    else pieceSteps.push(pieces(step));
    if (!fused && type.string() === 'ByteLevel') {
      textSteps.push(utf8Step);
      joinsBytes = true;
      fused = true;
    }
  }

  add(part);
  return { pieceSteps, textSteps, joinsBytes };
}
