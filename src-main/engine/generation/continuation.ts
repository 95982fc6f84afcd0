import { streamAfter } from '../tokenizer/stream-after.ts';
import type { Tokenizer, TokenStream } from '../tokenizer/tokenizer.ts';
import type { GenerateParams, PromptInput } from '../api/types.ts';
import type { Prompt } from './prompt.ts';

/** Where a reply continues a text. */
export interface Joint {
  /** Decodes what follows. It has seen the tokens that decide how. */
  readonly stream: TokenStream;
  /** White space at the end of that text that is not part of the prompt, so that the model may generate it. */
  readonly unread: string;
}

/** Null for a reply that continues nothing. */
export function jointTo(
  { prompt: input, continues }: Pick<GenerateParams, 'prompt' | 'continues'>,
  prompt: Prompt,
  tokenizer: Tokenizer,
): Joint | null {
  const replyIds = replyIdsOf(input);
  const written = continues === undefined && replyIds.length === 0 ? '' : textBefore(input);
  const idsBefore = prompt.ids.slice(0, prompt.ids.length - replyIds.length);
  const after = idsBefore.at(-1);
  if (replyIds.length > 0) {
    // The reply is decoded as it was the first time, so that a character that it has begun is completed.
    const isNew = written === '' || after === undefined;
    const stream = isNew ? tokenizer.stream({ continues: true }) : streamAfter(tokenizer, after);
    for (const id of replyIds) stream.push(id);
    return { stream, unread: '' };
  }
  // The ids are followed as they are. What joins them to the reply is part of its text.
  if (input.kind === 'ids' && continues !== undefined && after !== undefined) {
    return { stream: streamAfter(tokenizer, after), unread: '' };
  }
  if (written === '' || after === undefined) return null;
  const space = spaceAtEnd(written);
  // As many tokens as can contain it.
  const read = spaceAtEnd(tokenizer.decode(idsBefore.slice(-space.length - 1), true));
  return { stream: streamAfter(tokenizer, after), unread: space.slice(read.length) };
}

/** Removes from the start of a growing text the white space that already precedes it. */
export class UnreadSpace {
  constructor(private unread: string) {}

  /** The text without the white space that was already there. */
  leaveOut(text: string): string {
    let same = 0;
    while (same < text.length && same < this.unread.length && text[same] === this.unread[same]) same++;
    // Continues only if the whole text was white space already there. An empty text is part of a character.
    this.unread = same === text.length ? this.unread.slice(same) : '';
    return text.slice(same);
  }
}

/** The beginning of the reply that is given as ids. */
export function replyIdsOf(input: PromptInput): readonly number[] {
  return input.kind === 'chat' ? (input.replyIds ?? []) : [];
}

/** The text at the end of the prompt that the reply continues. */
export function textBefore(input: PromptInput): string {
  if (input.kind === 'text') return input.text;
  const last = input.kind === 'chat' ? input.messages.at(-1) : undefined;
  return last?.role === 'assistant' ? last.text : '';
}

function spaceAtEnd(text: string): string {
  return text.slice(text.trimEnd().length);
}
