import type { Command } from 'commander';
import type { Inspection, Intervention } from '../../../../engine/api/types.ts';
import { stopSentence } from '../../../../protocol/engine/stop-sentence.ts';
import type { CliContext } from '../context.ts';
import { withEngine } from '../engine-session.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { formatInspection } from '../format/inspection.ts';
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
import { addPromptOptions, readPrompt, type PromptOptions } from '../options/text-input.ts';
import { OFF_HELP, parseIntervention } from '../options/intervention-option.ts';
import { collect, parseCount } from '../options/values.ts';
import { piecesOf } from '../pieces.ts';

interface InspectOptions extends EngineOptions, PromptOptions, SamplingOptions, StopOptions {
  top: number;
  off?: Intervention[];
  attribute?: true;
  lens?: true;
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
    .option('--off <part>', OFF_HELP, collect(parseIntervention))
    .option('--attribute', 'attribute the first token’s logit to the parts of the model')
    .option('--lens', 'list what each layer would predict (logit lens)')
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
      interventions: options.off ?? [],
      attribution: options.attribute ?? false,
      lens: options.lens ?? false,
    };
    await withEngine(
      context,
      options.model,
      async ({ client, model }) => {
        const { signal } = context;
        const { sampling, notices } = withModelDefaults(params.sampling, model.samplingDefaults, givenOn(command));
        const inspection = await client.call('inspect', { ...params, sampling }, { signal });
        if (options.json) return context.out.json(inspectionJson(inspection, notices));
        for (const notice of notices) await context.err.line(`Note: ${notice}`);
        const pieces = await piecesOf(client, idsIn(inspection), signal);
        return context.out.line(formatInspection(inspection, pieces, params.interventions));
      },
      loadOptions(options),
    );
    done(EXIT.ok);
  });
}

/** Adds a sentence with the stop reason, and notices if there are any. */
function inspectionJson({ reply, ...inspection }: Inspection, notices: readonly string[]) {
  return {
    ...inspection,
    reply: { ...reply, stop: { ...reply.stop, detail: stopSentence(reply.stop) } },
    ...(notices.length === 0 ? {} : { notices }),
  };
}

/** All ids in the text output. */
function idsIn({ model, prompt, sampling, reply }: Inspection): number[] {
  const candidates = sampling.stages.flatMap((stage) => stage.top.map(([id]) => id));
  return [...prompt.ids, ...model.maskedTokenIds, ...candidates, ...reply.ids];
}
