import { STOP_SETTINGS } from '../settings/generation.ts';
import { streamAfter } from '../tokenizer/stream-after.ts';
import type { Tokenizer, TokenStream } from '../tokenizer/tokenizer.ts';
import type { GenerateParams, PromptInput } from '../api/types.ts';
import type { Prompt } from './prompt.ts';

/** Where a reply begins. */
export interface Joint {
  /** Decodes what follows. It has seen the tokens that decide how, and leaves out white space that is there already. */
  readonly stream: TokenStream;
  /** The text that the reply continues, or its end; empty for a new reply. */
  readonly before: string;
}

/** Tokens that contain the longest stop string or banned text, even if each of them is one byte of UTF-8. */
const TOKENS_BEFORE = 3 * STOP_SETTINGS.stopStrings.maxLength;

/** Where the reply to a request begins. @param prompt the request's, with its ids */
export function jointTo(
  { prompt: input, continues }: Pick<GenerateParams, 'prompt' | 'continues'>,
  prompt: Prompt,
  tokenizer: Tokenizer,
): Joint {
  const replyIds = replyIdsOf(input);
  const written = continues === undefined && replyIds.length === 0 ? '' : textBefore(input);
  const idsBefore = prompt.ids.slice(0, prompt.ids.length - replyIds.length);
  const after = idsBefore.at(-1);
  // The ids are followed as they are. What joins them to the reply is part of its text.
  if (input.kind === 'ids' && continues !== undefined && after !== undefined) {
    return {
      stream: streamAfter(tokenizer, after),
      // Decoded only on demand: reading tokens again after backtracking takes a new stream.
      get before() {
        return tokenizer.decode(idsBefore.slice(-TOKENS_BEFORE));
      },
    };
  }
  const stream =
    written === '' || after === undefined
      ? tokenizer.stream({ continues: true })
      : withoutSpace(streamAfter(tokenizer, after), unreadSpace(written, idsBefore, tokenizer));
  // These ids are decoded as when they were generated: the last of them may hold only the first bytes of a character.
  const replyText = replyIds.map((id) => stream.push(id)).join('');
  return { stream, before: written + replyText };
}

/**
 * The end of a text in which one of `texts` may begin that ends after it.
 * @param texts stop strings or banned texts
 */
export function mayBegin(before: string, texts: readonly string[]): string {
  const longest = Math.max(1, ...texts.map(({ length }) => length));
  return before.slice(Math.max(0, before.length - longest + 1));
}

/** White space at the end of a text that is not part of the prompt, so that the model may generate it. */
function unreadSpace(written: string, ids: readonly number[], tokenizer: Tokenizer): string {
  const space = spaceAtEnd(written);
  // As many tokens as can contain it.
  const read = spaceAtEnd(tokenizer.decode(ids.slice(-space.length - 1), true));
  return space.slice(read.length);
}

/** The stream without the white space at its start that precedes it already. */
function withoutSpace(stream: TokenStream, unread: string): TokenStream {
  const leaveOut = (text: string): string => {
    let same = 0;
    while (same < text.length && same < unread.length && text[same] === unread[same]) same++;
    // Continues only if the whole text was white space already there. An empty text is part of a character.
    unread = same === text.length ? unread.slice(same) : '';
    return text.slice(same);
  };
  return {
    push: (id) => leaveOut(stream.push(id)),
    get pending() {
      return stream.pending;
    },
    flush: () => leaveOut(stream.flush()),
  };
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
