import type { Command } from 'commander';
import type { Detokenized } from '../../../../engine/types.ts';
import type { CliContext } from '../context.ts';
import { withEngine, type EngineSession } from '../engine-session.ts';
import { EXIT, UsageError, type ExitCode } from '../errors.ts';
import { answerJsonLines } from '../json-lines.ts';
import { addModelOption, type ModelOption } from '../options/model-option.ts';
import { parseIds } from '../options/values.ts';

interface DetokenizeOptions extends ModelOption {
  special?: true;
  json?: true;
  jsonl?: true;
}

export function addDetokenizeCommand(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  const command = program
    .command('detokenize')
    .summary('turn token ids into a text')
    .description('Turns token ids into the text they stand for.')
    .argument('[ids...]', 'token ids, separated by spaces or commas', (text, previous: number[] | undefined) => [
      ...(previous ?? []),
      ...parseIds(text),
    ]);
  addModelOption(command)
    .option('--special', 'keep special tokens such as <EOS> in the text')
    .option('--json', 'one JSON object: ids, pieces, text')
    .option('--jsonl', 'read a JSON array of ids per line from standard input, answer each with a line of JSON')
    .action(async (ids: number[] | undefined, options: DetokenizeOptions) => {
      done(await (options.jsonl ? detokenizeLines(context, ids, options) : detokenizeIds(context, ids, options)));
    });
}

async function detokenizeIds(context: CliContext, ids: number[] | undefined, options: DetokenizeOptions) {
  if (ids === undefined || ids.length === 0) throw new UsageError('Give token ids, or --jsonl to read them.');
  return withEngine(context, options.model, async (session) => {
    const answer = await detokenize(session, ids, options, context.signal);
    if (options.json) await context.out.json(detokenizedJson(ids, answer));
    else await context.out.line(answer.text);
    return EXIT.ok;
  });
}

async function detokenizeLines(context: CliContext, ids: number[] | undefined, options: DetokenizeOptions) {
  if (ids !== undefined && ids.length > 0) throw new UsageError('--jsonl reads standard input; give no ids.');
  return withEngine(context, options.model, (session) =>
    answerJsonLines(context, async (line) => {
      if (!Array.isArray(line)) throw new UsageError('Each line must be a JSON array of token ids.');
      // The protocol's edge checks every id.
      return detokenizedJson(line, await detokenize(session, line as number[], options, context.signal));
    }),
  );
}

function detokenize({ client }: EngineSession, ids: number[], options: DetokenizeOptions, signal: AbortSignal) {
  return client.call('detokenize', { ids, skipSpecial: !options.special }, { signal });
}

function detokenizedJson(ids: number[], { pieces, text }: Detokenized) {
  return { ids, pieces, text };
}
