import type { PrintedMetadata } from './gguf-vocabulary.ts';
import { hardStrings, unpackedFixture } from './hard-strings.ts';

/** A text, or bytes that are not UTF-8. */
type Text = string | { readonly b64: string };

/** The results of llama.cpp for one string; a field equal to the named one is omitted. */
interface StoredCase {
  readonly name: string;
  readonly ids: number[];
  readonly dec: Text;
  /** = ids */
  readonly ids_sp?: number[];
  /** = dec */
  readonly dec_sp?: Text;
  readonly dec_sp_skip?: Text;
  readonly pieces_sp?: Text;
  readonly pieces_sp_skip?: Text;
  /** = ids_sp */
  readonly ids_bos?: number[];
  readonly dec_bos?: Text;
  readonly dec_bos_rm?: Text;
}

export interface LlamaCppCase {
  readonly name: string;
  readonly text: string;
  readonly ids: number[];
  readonly idsWithSpecial: number[];
  readonly idsOfText: number[];
  /** Detokenised with special tokens parsed: with or without showing them. */
  readonly decoded: string;
  readonly decodedWithSpecial: string;
  readonly decodedWithoutSpecial: string;
  /** The joined pieces of `idsWithSpecial`, likewise. */
  readonly pieces: string;
  readonly piecesWithoutSpecial: string;
  /** Detokenised `idsOfText`, and without the tokens added around the text; null if they equal `decodedWithSpecial`. */
  readonly decodedOfText: string | null;
  readonly decodedInside: string | null;
}

export interface LlamaCppFamily {
  readonly metadata: PrintedMetadata;
  readonly vocabularySize: number;
  readonly cases: readonly LlamaCppCase[];
}

const textOf = (text: Text) =>
  typeof text === 'string'
    ? text
    : new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.from(text.b64, 'base64'));

/** llama.cpp's tokens of the hard strings, from `gguf-<family>.json.gz`. */
export function llamaCppFamily(family: string): LlamaCppFamily {
  const stored = JSON.parse(unpackedFixture(`gguf-${family}.json`).toString('utf8')) as {
    metadata: PrintedMetadata;
    vocab_size: number;
    cases: StoredCase[];
  };
  const strings = hardStrings();
  const cases = stored.cases.map((stored, i): LlamaCppCase => {
    const idsWithSpecial = stored.ids_sp ?? stored.ids;
    const decoded = textOf(stored.dec);
    const or = (text: Text | undefined, other: string) => (text === undefined ? other : textOf(text));
    return {
      name: stored.name,
      text: strings[i].text,
      ids: stored.ids,
      idsWithSpecial,
      idsOfText: stored.ids_bos ?? idsWithSpecial,
      decoded,
      decodedWithSpecial: or(stored.dec_sp, decoded),
      decodedWithoutSpecial: or(stored.dec_sp_skip, decoded),
      pieces: or(stored.pieces_sp, decoded),
      piecesWithoutSpecial: or(stored.pieces_sp_skip, decoded),
      decodedOfText: stored.dec_bos === undefined ? null : textOf(stored.dec_bos),
      decodedInside: stored.dec_bos_rm === undefined ? null : textOf(stored.dec_bos_rm),
    };
  });
  return { metadata: stored.metadata, vocabularySize: stored.vocab_size, cases };
}
