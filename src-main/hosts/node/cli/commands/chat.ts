import type { Command } from 'commander';
import type { ChatMessage, GenerateParams, ModelInfo } from '../../../../engine/api/types.ts';
import { ChatLoop } from '../chat/chat-loop.ts';
import { Conversation } from '../chat/conversation.ts';
import type { CliContext } from '../context.ts';
import { withEngine, type EngineSession } from '../engine-session.ts';
import type { ExitCode } from '../errors.ts';
import { addChatOptions, chatPrompt, type ChatOptions } from '../options/chat-options.ts';
import { addEngineOptions, loadOptions, type EngineOptions } from '../options/engine-options.ts';
import { givenOn, withModelDefaults } from '../options/model-defaults.ts';
import {
  addSamplingOptions,
  addStopOptions,
  samplingParams,
  stopParams,
  type SamplingOptions,
  type StopOptions,
} from '../options/sampling-options.ts';
import { showsDimmed } from '../reply-writer.ts';

/** Answers are longer than continuations of a text. */
const MAX_TOKENS = 1024;

interface ChatCommandOptions extends EngineOptions, ChatOptions, SamplingOptions, StopOptions {
  stats?: true;
}

export function addChatCommand(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  const command = program
    .command('chat')
    .summary('chat with a model')
    .description(
      'Starts a chat in the terminal. Ctrl-C stops a ' +
        'reply, Ctrl-D or /exit quits, /help lists the other commands. If standard input is not a ' +
        'terminal, each line is answered in turn.',
    );
  addEngineOptions(command).option('--stats', 'show the speed and stop reason of each reply');
  addChatOptions(command);
  addSamplingOptions(command);
  addStopOptions(command, MAX_TOKENS);
  command.action(async (options: ChatCommandOptions) => {
    // Errors in flags are reported before the model is loaded.
    const params = { sampling: samplingParams(options), stop: stopParams(options) };
    chatPrompt([], options);
    const talk = (session: EngineSession) => {
      const { sampling, notices } = withModelDefaults(
        params.sampling,
        session.model.samplingDefaults,
        givenOn(command),
      );
      return chat(context, session, { ...params, sampling }, options, notices);
    };
    done(await withEngine(context, options.model, talk, loadOptions(options)));
  });
}

async function chat(
  context: CliContext,
  { client, model }: EngineSession,
  params: Pick<GenerateParams, 'sampling' | 'stop'>,
  options: ChatCommandOptions,
  notices: readonly string[],
): Promise<ExitCode> {
  const { system, ...template } = options;
  const paramsFor = (messages: ChatMessage[]): GenerateParams => ({
    ...params,
    prompt: { ...chatPrompt(messages, template), whenFull: 'drop_oldest' },
    useKvCache: true,
    topCandidates: 0,
  });
  const { out, err } = context;
  const conversation = new Conversation({ client, paramsFor, out, err, dim: showsDimmed(context) });
  conversation.system = system ?? null;
  if (context.terminal) await err.line(`${model.name}. Ctrl-C stops a reply, Ctrl-D quits, /help lists commands.`);
  for (const notice of [...notices, ...withoutTemplate(model, options)]) await err.line(`Note: ${notice}`);
  return new ChatLoop(context, conversation, options.stats ?? false).run();
}

function withoutTemplate(
  { chatTemplate, name }: ModelInfo,
  { template = 'plain', templateFile }: ChatOptions,
): string[] {
  if (chatTemplate !== null || template !== 'plain' || templateFile !== undefined) return [];
  return [`${name} has no chat template, so it may continue your text instead of answering it.`];
}
