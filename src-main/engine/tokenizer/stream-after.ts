import type { StreamOptions, Tokenizer, TokenStream } from './tokenizer.ts';

/**
 * A decoder for a sequence that continues a text whose last token is `before`. The joining text, such as a space between
 * words or none before a comma, is part of the sequence's text.
 */
export function streamAfter(
  tokenizer: Tokenizer,
  before: number,
  options: Omit<StreamOptions, 'continues'> = {},
): TokenStream {
  const start = () => tokenizer.stream({ ...options, continues: true });
  const alone = start();
  const textBefore = alone.push(before) + alone.flush();
  // The end of a character that other tokens begin does not determine what follows it.
  if (textBefore.includes('\ufffd')) return start();

  const stream = start();
  /** Text of `before` that the stream still holds back. */
  let held = textBefore.slice(stream.push(before).length);
  const own = (text: string) => {
    if (held === '' || text === '') return text;
    if (held.startsWith(text)) {
      held = held.slice(text.length);
      return '';
    }
    // If the text differs now, the part before can no longer be changed.
    const from = text.startsWith(held) ? held.length : 0;
    held = '';
    return text.slice(from);
  };
  return {
    push: (id) => own(stream.push(id)),
    get pending() {
      return stream.pending;
    },
    flush: () => own(stream.flush()),
  };
}
