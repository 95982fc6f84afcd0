import type { JsonPart } from '../json-part.ts';
import { eachPiece, type PieceStep, type TextStep } from './decoder.ts';

/** Removes up to so many of one character from each end. */
interface StripSettings {
  readonly character: string;
  readonly start: number;
  readonly stop: number;
}

export function stripSettings(part: JsonPart): StripSettings {
  const character = part.get('content');
  if ([...character.string()].length !== 1) throw character.malformed('must be one character');
  return {
    character: character.string(),
    start: part.get('start').count(2 ** 31),
    stop: part.get('stop').count(2 ** 31),
  };
}

export function stripPieces(settings: StripSettings): PieceStep {
  return eachPiece((piece) => {
    const stream = stripText(settings).start(false);
    return stream.push(piece) + stream.flush();
  });
}

/** For a growing text: holds back the end while it may be stripped. */
export function stripText({ character, start, stop }: StripSettings): TextStep {
  return {
    start(continues) {
      let toStrip = continues ? 0 : start;
      let held = '';
      return {
        push(text) {
          let from = 0;
          while (toStrip > 0 && text.startsWith(character, from)) {
            toStrip--;
            from += character.length;
          }
          if (from < text.length) toStrip = 0;
          const rest = held + text.slice(from);
          let end = rest.length;
          for (let i = 0; i < stop && rest.slice(0, end).endsWith(character); i++) end -= character.length;
          held = rest.slice(end);
          return rest.slice(0, end);
        },
        get pending() {
          return held !== '';
        },
        flush() {
          held = '';
          return '';
        },
      };
    },
  };
}
