import type { Command } from 'commander';
import type { GenerateEnd, GenerateParams, GeneratedToken, PromptInput } from '../../../../engine/api/types.ts';
import { stopSentence } from '../../../../protocol/engine/stop-sentence.ts';
import type { CliContext } from '../context.ts';
import { withEngine, type EngineSession } from '../engine-session.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { formatStatistics } from '../format/statistics.ts';
import { createFile } from '../new-file.ts';
import { addEngineOptions, loadOptions, type EngineOptions } from '../options/engine-options.ts';
import { givenOn, withModelDefaults } from '../options/model-defaults.ts';
import { readPromptSource } from '../options/prompt-source.ts';
import { addContextOptions, generateParams, type ReplyOptions } from '../options/reply-options.ts';
import { addSamplingOptions, addStopOptions } from '../options/sampling-options.ts';
import { addPromptOptions, type PromptOptions } from '../options/text-input.ts';
import { parseCount } from '../options/values.ts';
import { writeReceipt } from '../receipt-file.ts';
import { streamReply, textOf, type WrittenReply } from '../reply-stream.ts';
import { ReplyWriter, showsDimmed } from '../reply-writer.ts';

interface RunOptions extends EngineOptions, PromptOptions, ReplyOptions {
  chat?: true;
  top?: number;
  json?: true;
  receipt?: string;
}

export function addRunCommand(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  const command = program
    .command('run')
    .summary('continue a text, or answer a question')
    .description(
      'Continues a text and streams the tokens; with --chat, answers it as the first turn of a chat. ' +
        'Ctrl-C stops the reply and keeps what was generated.',
    )
    .argument('[prompt]', 'the text to continue, or the question with --chat; "-" reads standard input');
  addEngineOptions(command)
    .option('--chat', 'treat the text as a user message, in the model’s chat template')
    .option('--json', 'print one JSON object at the end instead of text')
    .option('--top <n>', 'with --json: the n most probable tokens at each step', parseCount)
    .option('--receipt <file>', 'save a receipt for "tokenscope verify", which repeats the reply');
  addContextOptions(command);
  addPromptOptions(command);
  addSamplingOptions(command);
  addStopOptions(command);
  command.action(async (prompt: string | undefined, options: RunOptions) => {
    const source = await readPromptSource(context, prompt, options);
    const params = generateParams(source, options, options.top);
    const load = loadOptions(options);
    // Fails before the reply if the file cannot be written.
    const file = options.receipt === undefined ? null : await createFile(options.receipt);
    const answer = async (session: EngineSession) => {
      const { sampling, notices } = withModelDefaults(
        params.sampling,
        session.model.samplingDefaults,
        givenOn(command),
      );
      const requestedAt = new Date().toISOString();
      const request = { ...params, sampling, prompt: datedPrompt(params.prompt, requestedAt) };
      const reply = await run(context, session, request, options, notices);
      if (file !== null && reply.end.stop.reason !== 'error') {
        await writeReceipt(session, { request, requestedAt }, reply, file);
      }
      return exitCodeOf(reply.end);
    };
    try {
      done(await withEngine(context, options.model, answer, load));
    } finally {
      await file?.discard();
    }
  });
}

/** With the current time for a template that writes the date. */
function datedPrompt(prompt: PromptInput, date: string): PromptInput {
  return prompt.kind === 'chat' ? { ...prompt, date } : prompt;
}

async function run(
  context: CliContext,
  session: EngineSession,
  params: GenerateParams,
  options: RunOptions,
  notices: readonly string[],
): Promise<WrittenReply> {
  const { client, model } = session;
  if (options.json) {
    const reply = await streamReply(client, params, context.signal);
    const text = await promptText(session, params.prompt);
    const all = [...notices, ...reply.start.notices, ...reply.notices];
    await context.out.json(replyJson(model.id, text, reply, all, options.top));
    return reply;
  }
  for (const notice of notices) await context.err.line(`Note: ${notice}`);
  const writer = new ReplyWriter(context.out, context.err, showsDimmed(context));
  const streamed = streamReply(client, params, context.signal, {
    async start({ notices }) {
      for (const notice of notices) await context.err.line(`Note: ${notice}`);
    },
    token: (token) => writer.token(token),
  });
  const reply = await writer.during(streamed);
  await writer.end();
  for (const notice of reply.notices) await context.err.line(`Note: ${notice}`);
  if (context.out.open) await context.err.line(formatStatistics(reply.start, reply.end));
  return reply;
}

async function promptText({ client }: EngineSession, prompt: PromptInput): Promise<string | null> {
  if (prompt.kind === 'ids') return null;
  if (prompt.kind === 'text') return prompt.text;
  const { kind: _, ...chat } = prompt;
  return (await client.call('renderChat', chat)).text;
}

/** Only if there is reasoning: the reply's text by part. */
function partsJson(tokens: readonly GeneratedToken[]): { reasoning?: string; answer?: string } {
  if (tokens.every(({ part }) => part === 'answer')) return {};
  return { reasoning: textOf(tokens, 'reasoning'), answer: textOf(tokens, 'answer') };
}

function replyJson(
  model: string,
  text: string | null,
  { start, tokens, end }: WrittenReply,
  notices: readonly string[],
  top: number | undefined,
) {
  const { loadMs, prefillMs, timeToFirstTokenMs, prefillTokensPerSecond, decodeTokensPerSecond } = end.timings;
  const candidates = tokens.map((token) => token.candidates.map(({ id, logprob }) => [id, logprob]));
  return {
    model,
    executor: start.executor,
    seed: end.seed,
    prompt: { text, ids: start.promptIds },
    reply: { text: end.text, ids: end.ids, ...partsJson(tokens), ...(top === undefined ? {} : { top: candidates }) },
    ...(notices.length === 0 ? {} : { notices }),
    stop: { reason: end.stop.reason, detail: stopSentence(end.stop) },
    timings: { loadMs, prefillMs, timeToFirstTokenMs, prefillTokensPerSecond, decodeTokensPerSecond },
  };
}

function exitCodeOf({ stop }: GenerateEnd): ExitCode {
  if (stop.reason === 'user') return EXIT.interrupted;
  return stop.reason === 'error' ? EXIT.engineError : EXIT.ok;
}
