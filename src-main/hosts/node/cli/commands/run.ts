import type { Command } from 'commander';
import type { GenerateEnd, GenerateParams, GenerateStart, GeneratedToken } from '../../../../engine/types.ts';
import type { CliContext } from '../context.ts';
import { withEngine, type EngineSession } from '../engine-session.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { formatStatistics } from '../format/statistics.ts';
import { addEngineOptions, loadOptions, type EngineOptions } from '../options/engine-options.ts';
import {
  addSamplingOptions,
  addStopOptions,
  samplingParams,
  stopParams,
  type SamplingOptions,
  type StopOptions,
} from '../options/sampling-options.ts';
import { addPromptOptions, readPrompt, type PromptOptions } from '../options/text-input.ts';
import { parseCount } from '../options/values.ts';

interface RunOptions extends EngineOptions, PromptOptions, SamplingOptions, StopOptions {
  kvCache: boolean;
  top?: number;
  json?: true;
}

/** What a reply left behind. */
interface Reply {
  start: GenerateStart;
  tokens: GeneratedToken[];
  end: GenerateEnd;
}

export function addRunCommand(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  const command = program
    .command('run')
    .summary('continue a text')
    .description(
      'Continues a text, word by word as the model writes it. Ctrl-C stops the reply and keeps what there is.',
    )
    .argument('[prompt]', 'the text to continue; "-" reads standard input');
  addEngineOptions(command)
    .option('--json', 'one JSON object at the end instead of text')
    .option('--top <n>', 'with --json: the n most probable tokens at each step', parseCount)
    .option('--no-kv-cache', 'compute the whole sequence again for each token');
  addPromptOptions(command);
  addSamplingOptions(command);
  addStopOptions(command);
  command.action(async (prompt: string | undefined, options: RunOptions) => {
    const params = await generateParams(context, prompt, options);
    const load = loadOptions(options);
    done(await withEngine(context, options.model, (session) => run(context, session, params, options), load));
  });
}

async function generateParams(
  context: CliContext,
  prompt: string | undefined,
  options: RunOptions,
): Promise<GenerateParams> {
  return {
    prompt: await readPrompt(context, prompt, options),
    sampling: samplingParams(options),
    stop: stopParams(options),
    useKvCache: options.kvCache,
    topCandidates: options.top ?? 0,
    executor: options.executor,
  };
}

async function run(
  context: CliContext,
  session: EngineSession,
  params: GenerateParams,
  options: RunOptions,
): Promise<ExitCode> {
  const reply = await generate(session, params, context.signal, async (text) => {
    if (!options.json) await context.out.write(text);
  });
  if (options.json) {
    const text = params.prompt.kind === 'text' ? params.prompt.text : null;
    await context.out.json(replyJson(session.model.id, text, reply, options.top));
  } else if (context.out.open) {
    await context.out.write('\n');
    await context.err.line(formatStatistics(reply.start, reply.end));
  }
  return exitCodeOf(reply.end);
}

/** @param show gets the text as it comes */
async function generate(
  { client }: EngineSession,
  params: GenerateParams,
  signal: AbortSignal,
  show: (text: string) => Promise<void>,
): Promise<Reply> {
  let start: GenerateStart | null = null;
  let end: GenerateEnd | null = null;
  const tokens: GeneratedToken[] = [];
  for await (const event of client.stream('generate', params, { signal })) {
    if (event.type === 'start') start = event;
    else if (event.type === 'end') end = event;
    else {
      tokens.push(event.token);
      await show(event.token.text);
    }
  }
  if (start === null || end === null) throw new Error('The reply ended without its end event.');
  return { start, tokens, end };
}

function replyJson(model: string, text: string | null, { start, tokens, end }: Reply, top: number | undefined) {
  const { loadMs, prefillMs, timeToFirstTokenMs, prefillTokensPerSecond, decodeTokensPerSecond } = end.timings;
  const candidates = tokens.map((token) => token.candidates.map(({ id, logprob }) => [id, logprob]));
  return {
    model,
    executor: start.executor,
    seed: end.seed,
    prompt: { text, ids: start.promptIds },
    reply: { text: end.text, ids: end.ids, ...(top === undefined ? {} : { top: candidates }) },
    stop: { reason: end.stop.reason, detail: end.stop.detail },
    timings: { loadMs, prefillMs, timeToFirstTokenMs, prefillTokensPerSecond, decodeTokensPerSecond },
  };
}

function exitCodeOf({ stop }: GenerateEnd): ExitCode {
  if (stop.reason === 'user') return EXIT.interrupted;
  return stop.reason === 'error' ? EXIT.engineError : EXIT.ok;
}
