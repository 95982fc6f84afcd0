import type { Command } from 'commander';
import type { Inspection } from '../../../../engine/api/types.ts';
import { stopSentence } from '../../../../protocol/engine/stop-sentence.ts';
import type { CliContext } from '../context.ts';
import { withEngine } from '../engine-session.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { formatInspection } from '../format/inspection.ts';
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
import { piecesOf } from '../pieces.ts';

interface InspectOptions extends EngineOptions, PromptOptions, SamplingOptions, StopOptions {
  top: number;
  json?: true;
}

/** Enough to show the loop. */
const DEFAULT_MAX_TOKENS = 5;

export function addInspectCommand(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  const command = program
    .command('inspect')
    .summary('show every step from a text to the next token')
    .description('Shows the ten steps from a text to its continuation, with the model’s actual numbers.')
    .argument('[prompt]', 'the text; "-" reads standard input');
  addEngineOptions(command)
    .option('--top <n>', 'number of candidates to show', parseCount, 10)
    .option('--json', 'print one JSON object with all numbers');
  addPromptOptions(command);
  addSamplingOptions(command);
  addStopOptions(command, DEFAULT_MAX_TOKENS);
  command.action(async (text: string | undefined, options: InspectOptions) => {
    const params = {
      prompt: await readPrompt(context, text, options),
      sampling: samplingParams(options),
      stop: stopParams(options),
      topCandidates: options.top,
    };
    await withEngine(
      context,
      options.model,
      async ({ client }) => {
        const { signal } = context;
        const inspection = await client.call('inspect', params, { signal });
        if (options.json) return context.out.json(inspectionJson(inspection));
        return context.out.line(formatInspection(inspection, await piecesOf(client, idsIn(inspection), signal)));
      },
      loadOptions(options),
    );
    done(EXIT.ok);
  });
}

/** Adds a sentence with the stop reason. */
function inspectionJson({ reply, ...inspection }: Inspection) {
  return { ...inspection, reply: { ...reply, stop: { ...reply.stop, detail: stopSentence(reply.stop) } } };
}

/** All ids in the text output. */
function idsIn({ model, prompt, sampling, reply }: Inspection): number[] {
  const candidates = sampling.stages.flatMap((stage) => stage.top.map(([id]) => id));
  return [...prompt.ids, ...model.maskedTokenIds, ...candidates, ...reply.ids];
}
