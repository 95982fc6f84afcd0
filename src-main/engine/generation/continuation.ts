import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { PromptInput } from '../api/types.ts';
import type { Prompt } from './prompt.ts';

/** Where a reply continues a text. */
export interface Joint {
  /** The last prompt token of the text before. */
  readonly after: number;
  /** White space at the end of that text that is not part of the prompt, so that the model may generate it. */
  readonly unread: string;
}

/** Null for a reply that continues nothing. */
export function jointTo(input: PromptInput, prompt: Prompt, tokenizer: Tokenizer): Joint | null {
  const written = textBefore(input);
  const after = prompt.ids.at(-1);
  if (written === '' || after === undefined) return null;
  const space = spaceAtEnd(written);
  // As many tokens as can contain it.
  const read = spaceAtEnd(tokenizer.decode(prompt.ids.slice(-space.length - 1), true));
  return { after, unread: space.slice(read.length) };
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

function textBefore(input: PromptInput): string {
  if (input.kind === 'text') return input.text;
  const last = input.kind === 'chat' ? input.messages.at(-1) : undefined;
  return last?.role === 'assistant' ? last.text : '';
}

function spaceAtEnd(text: string): string {
  return text.slice(text.trimEnd().length);
}
