import type { JsonPart } from '../json-part.ts';
import { cleanUp } from './wordpiece.ts';
import type { PieceStep } from './decoder.ts';

/** BPEDecoder: replaces the suffix of words with a space, except for the last piece, where it is removed. */
export function suffixStep(suffix: string): PieceStep {
  return {
    inside: (piece) => replaceSuffix(piece, suffix, ' '),
    start() {
      /** A piece with the suffix that may be the last. */
      let held: string | null = null;
      return {
        push(piece) {
          const before = held === null ? [] : [replaceSuffix(held, suffix, ' ')];
          held = suffix !== '' && piece.includes(suffix) ? piece : null;
          return held === null ? [...before, piece] : before;
        },
        get pending() {
          return held !== null && replaceSuffix(held, suffix, '') !== '';
        },
        flush() {
          const last = held;
          held = null;
          return last === null ? [] : [replaceSuffix(last, suffix, '')];
        },
      };
    },
  };
}

function replaceSuffix(piece: string, suffix: string, by: string): string {
  return suffix === '' ? piece : piece.replaceAll(suffix, by);
}

export interface CtcSettings {
  readonly pad: string;
  readonly wordDelimiter: string;
  readonly cleanup: boolean;
}

export function ctcSettings(part: JsonPart): CtcSettings {
  return {
    pad: part.get('pad_token').string(),
    wordDelimiter: part.get('word_delimiter_token').string(),
    cleanup: part.get('cleanup').boolean(),
  };
}

export function ctcPiece(piece: string, { pad, wordDelimiter, cleanup }: CtcSettings): string {
  const text = replaceSuffix(piece, pad, '');
  return cleanup ? replaceSuffix(cleanUp(text), wordDelimiter, ' ') : text;
}

/** CTC: merges equal neighbours and removes padding. */
export function ctcStep(settings: CtcSettings): PieceStep {
  return {
    inside: (piece) => ctcPiece(piece, settings),
    start() {
      let previous: string | null = null;
      return {
        push(piece) {
          const repeated = piece === previous;
          previous = piece;
          const text = repeated ? '' : ctcPiece(piece, settings);
          return text === '' ? [] : [text];
        },
        pending: false,
        flush: () => [],
      };
    },
  };
}
