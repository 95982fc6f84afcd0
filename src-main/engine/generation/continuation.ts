import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { PromptInput } from '../api/types.ts';
import type { Prompt } from './prompt.ts';

/** Where a reply continues a text. */
export interface Joint {
  /** The last token that the model read of the text before. */
  readonly after: number;
  /** White space at the end of that text which the model did not read, and may write itself. */
  readonly unread: string;
}

/** Null where nothing was written before. */
export function jointTo(input: PromptInput, prompt: Prompt, tokenizer: Tokenizer): Joint | null {
  const written = textBefore(input);
  const after = prompt.ids.at(-1);
  if (written === '' || after === undefined) return null;
  const space = spaceAtEnd(written);
  // As many tokens as may hold that.
  const read = spaceAtEnd(tokenizer.decode(prompt.ids.slice(-space.length - 1), true));
  return { after, unread: space.slice(read.length) };
}

/** Leaves out of a growing text what it repeats of the white space before it. */
export class UnreadSpace {
  constructor(private unread: string) {}

  /** The text without what was there already. */
  leaveOut(text: string): string {
    let same = 0;
    while (same < text.length && same < this.unread.length && text[same] === this.unread[same]) same++;
    // Continues only if the whole text was present. An empty one is part of a character.
    this.unread = same === text.length ? this.unread.slice(same) : '';
    return text.slice(same);
  }
}

function textBefore(input: PromptInput): string {
  if (input.kind === 'text') return input.text;
  const last = input.kind === 'chat' ? input.messages.at(-1) : undefined;
  return last?.role === 'assistant' ? last.text : '';
}

function spaceAtEnd(text: string): string {
  return text.slice(text.trimEnd().length);
}
