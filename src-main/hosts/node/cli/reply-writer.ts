import type { GeneratedToken } from '../../../engine/api/types.ts';
import type { CliContext } from './context.ts';
import type { Output } from './output.ts';

const DIM = '\u001b[2m';
const PLAIN = '\u001b[22m';

/** Prints a reply as it is generated: the answer to one output, the reasoning to another. */
export class ReplyWriter {
  private reasoning = false;
  /** Whether to drop white space at the start of the answer, which only separates it from the reasoning. */
  private trims = false;
  /** Whether the reasoning so far ends with a line end. */
  private atLineStart = true;

  /** @param dim whether `asides` is a terminal that shows reasoning dimmed */
  constructor(
    private readonly answers: Output,
    private readonly asides: Output,
    private readonly dim: boolean,
  ) {}

  async token({ text, part }: Pick<GeneratedToken, 'text' | 'part'>): Promise<void> {
    if (part !== 'answer') {
      if (!this.reasoning && this.dim) await this.asides.control(DIM);
      this.reasoning = true;
      if (text !== '') this.atLineStart = text.endsWith('\n');
      return this.asides.write(text);
    }
    await this.endReasoning();
    const shown = this.trims ? text.trimStart() : text;
    if (shown !== '') this.trims = false;
    await this.answers.write(shown);
  }

  /** Completes the output. */
  async end(): Promise<void> {
    await this.endReasoning();
    await this.answers.write('\n');
  }

  /** Waits for the reply that is written. Dimmed text ends with it, also if it fails. */
  async during<Reply>(reply: Promise<Reply>): Promise<Reply> {
    try {
      return await reply;
    } finally {
      await this.endReasoning();
    }
  }

  private async endReasoning(): Promise<void> {
    if (!this.reasoning) return;
    this.reasoning = false;
    this.trims = true;
    if (this.dim) await this.asides.control(PLAIN);
    if (!this.atLineStart) await this.asides.write('\n');
  }
}

/** Whether standard error supports dimmed text. */
export function showsDimmed({ isTerminal }: CliContext): boolean {
  return (isTerminal ?? false) && !process.env['NO_COLOR'];
}
