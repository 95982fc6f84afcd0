import type { PromptInput } from '../../../../engine/api/types.ts';
import type { CliContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { chatPrompt, givenChatFlags, type ChatOptions } from './chat-options.ts';
import { readPrompt, readText, type PromptOptions } from './text-input.ts';

/** A prompt to continue, or a question to answer as the first message of a chat. */
export type PromptSource = { readonly question: string } | { readonly prompt: PromptInput };

/** Reads the text, from standard input or a file if requested: call it once. */
export async function readPromptSource(
  context: CliContext,
  argument: string | undefined,
  options: PromptOptions & ChatOptions & { chat?: true },
): Promise<PromptSource> {
  if (!options.chat) {
    refuseChatFlags(options);
    return { prompt: await readPrompt(context, argument, options) };
  }
  if (options.ids !== undefined || options.special || !options.bos) {
    throw new UsageError('--ids, --special and --no-bos cannot be used with --chat.');
  }
  return { question: await readText(context, argument, options) };
}

/** @throws UsageError when chat flags are passed without `--chat` */
export function promptInput(source: PromptSource, options: ChatOptions & { whenFull: 'stop' | 'shift' }): PromptInput {
  const { whenFull } = options;
  if ('question' in source) {
    return { ...chatPrompt([{ role: 'user', text: source.question }], options), whenFull };
  }
  refuseChatFlags(options);
  return { ...source.prompt, whenFull };
}

function refuseChatFlags(options: ChatOptions): void {
  const [flag] = givenChatFlags(options);
  if (flag !== undefined) throw new UsageError(`${flag} needs --chat.`);
}
