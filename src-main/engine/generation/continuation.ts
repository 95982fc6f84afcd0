import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { PromptInput } from '../types.ts';
import type { Prompt } from './prompt.ts';

/** Where a reply goes on: makes the texts of its first tokens join the text before. */
export class Joint {
  private joined = false;

  /**
   * @param before the last token that the model read of the text before
   * @param unread white space at the end of that text which the model did not read, and may write itself
   */
  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly before: number,
    private unread: string,
  ) {}

  /** The text that a token adds. */
  join(id: number, text: string): string {
    // Part of a character.
    if (text === '') return text;
    let added = text;
    if (!this.joined) added = this.behind(id, text);
    this.joined = true;
    let same = 0;
    while (same < added.length && same < this.unread.length && added[same] === this.unread[same]) same++;
    // Goes on only where all of the token was there.
    this.unread = same === added.length ? this.unread.slice(same) : '';
    return added.slice(same);
  }

  /** With a space before it, or none before a comma and within a word. Only decoding both tokens tells. */
  private behind(id: number, text: string): string {
    const alone = this.tokenizer.decode([this.before], true);
    const both = this.tokenizer.decode([this.before, id], true);
    // Parts of characters say nothing of what is between.
    return both.startsWith(alone) && !both.includes('\ufffd') ? both.slice(alone.length) : text;
  }
}

/** Null where nothing was written before. */
export function jointTo(input: PromptInput, prompt: Prompt, tokenizer: Tokenizer): Joint | null {
  const written = textBefore(input);
  const before = prompt.ids.at(-1);
  if (written === '' || before === undefined) return null;
  const space = spaceAtEnd(written);
  // As many tokens as may hold that.
  const read = spaceAtEnd(tokenizer.decode(prompt.ids.slice(-space.length - 1), true));
  return new Joint(tokenizer, before, space.slice(read.length));
}

function textBefore(input: PromptInput): string {
  if (input.kind === 'text') return input.text;
  const last = input.kind === 'chat' ? input.messages.at(-1) : undefined;
  return last?.role === 'assistant' ? last.text : '';
}

function spaceAtEnd(text: string): string {
  return text.slice(text.trimEnd().length);
}
