import { Option, type Command } from 'commander';
import type { ChatMessage, ChatTemplateChoice, PromptInput } from '../../../../engine/api/types.ts';
import { UsageError } from '../errors.ts';
import { readSourceFile } from './text-input.ts';

/** Flags of `addChatOptions` as parsed by commander. */
export interface ChatOptions {
  system?: string;
  template?: string;
  templateFile?: string;
  think: boolean;
}

type ChatPrompt = Extract<PromptInput, { kind: 'chat' }>;

export function addChatOptions(command: Command): Command {
  return command
    .optionsGroup('Chat:')
    .option('--system <text>', 'system prompt')
    .option(
      '--template <jinja>',
      'chat template to use instead of the model’s own; "plain" writes role names as prefixes',
    )
    .addOption(new Option('--template-file <path>', 'read the chat template from a file').argParser(readSourceFile))
    .option('--no-think', 'turn reasoning off in the chat template');
}

/** @returns the flags that were passed, for commands that only sometimes support them */
export function givenChatFlags({ system, template, templateFile, think }: ChatOptions): string[] {
  const given: [string, boolean][] = [
    ['--system', system !== undefined],
    ['--template', template !== undefined],
    ['--template-file', templateFile !== undefined],
    ['--no-think', !think],
  ];
  return given.filter(([, isGiven]) => isGiven).map(([flag]) => flag);
}

/** @throws UsageError when both a template and a template file are passed */
export function chatPrompt(messages: ChatMessage[], options: ChatOptions): ChatPrompt {
  const system: ChatMessage[] = options.system === undefined ? [] : [{ role: 'system', text: options.system }];
  const template = templateChoice(options);
  return {
    kind: 'chat',
    messages: [...system, ...messages],
    ...(template === null ? {} : { template }),
    ...(options.think ? {} : { enableThinking: false }),
  };
}

function templateChoice({ template, templateFile }: ChatOptions): ChatTemplateChoice | null {
  if (template !== undefined && templateFile !== undefined)
    throw new UsageError('Use either --template or --template-file, not both.');
  if (template === 'plain') return { kind: 'plain' };
  const source = template ?? templateFile;
  return source === undefined ? null : { kind: 'custom', source };
}
