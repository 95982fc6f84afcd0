import type { JsonPart } from '../json-part.ts';
import { byteLevelPiece, utf8Step } from './byte-level.ts';
import type { Decoder, PieceStep, TextStep } from './decoder.ts';
import { replaceLiteral, replaceStep } from './replace.ts';
import { wordPieceDecoder } from './wordpiece.ts';

/** Without a decoder, Hugging Face joins the pieces with spaces. */
const JOIN_WITH_SPACES: Decoder = {
  pieceSteps: [(piece, index) => (index === 0 ? piece : ` ${piece}`)],
  textSteps: [],
};

/** The `decoder` of a tokenizer file. */
export function decoderFromJson(part: JsonPart): Decoder {
  if (part.isNull) return JOIN_WITH_SPACES;
  const pieceSteps: PieceStep[] = [];
  const textSteps: TextStep[] = [];
  let fused = false;
  let joinsBytes = false;

  const steps: Record<string, (step: JsonPart) => void> = {
    Sequence: (step) => step.get('decoders').items().forEach(add),
    Fuse: () => {
      fused = true;
    },
    ByteLevel: (step) => {
      if (fused) throw step.get('type').unsupported('"ByteLevel" after "Fuse"');
      pieceSteps.push(byteLevelPiece);
      textSteps.push(utf8Step);
      joinsBytes = true;
      fused = true;
    },
    WordPiece: (step) => {
      if (fused) throw step.get('type').unsupported('"WordPiece" after "Fuse"');
      pieceSteps.push(wordPieceDecoder(step));
    },
    Replace: (step) => {
      const found = step.get('pattern').get('String');
      if (found.isNull) throw step.get('pattern').unsupported('"Regex"');
      const replacement = step.get('content').string();
      if (fused) textSteps.push(replaceStep(found.string(), replacement));
      else pieceSteps.push((piece) => replaceLiteral(piece, found.string(), replacement));
    },
  };
  function add(step: JsonPart): void {
    step.get('type').choose(steps)(step);
  }

  add(part);
  return { pieceSteps, textSteps, joinsBytes };
}
