import type { Command } from 'commander';
import type { Tokenizer } from '../../../../engine/index.ts';
import type { CliContext } from '../context.ts';
import { EXIT, UsageError, type ExitCode } from '../errors.ts';
import { answerJsonLines } from '../json-lines.ts';
import { openTokenizerArgument } from '../model-argument.ts';
import { addTokenizerOption, type ModelOption } from '../options/model-option.ts';
import { parseIds } from '../options/values.ts';

interface DetokenizeOptions extends ModelOption {
  special?: true;
  json?: true;
  jsonl?: true;
}

export function addDetokenizeCommand(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  const command = program
    .command('detokenize')
    .summary('turn token ids into text')
    .description('Turns token ids into text.')
    .argument('[ids...]', 'token ids, separated by spaces or commas', (text, previous: number[] | undefined) => [
      ...(previous ?? []),
      ...parseIds(text),
    ]);
  addTokenizerOption(command)
    .option('--special', 'keep special tokens such as <EOS> in the text')
    .option('--json', 'print one JSON object: ids, pieces, text')
    .option('--jsonl', 'read one JSON array of ids per line from standard input, print one line of JSON for each')
    .action(async (ids: number[] | undefined, options: DetokenizeOptions) => {
      done(await (options.jsonl ? detokenizeLines(context, ids, options) : detokenizeIds(context, ids, options)));
    });
}

async function detokenizeIds(context: CliContext, ids: number[] | undefined, options: DetokenizeOptions) {
  if (ids === undefined || ids.length === 0)
    throw new UsageError('Pass token ids, or --jsonl to read them from standard input.');
  const answer = detokenize(await openTokenizerArgument(context, options.model), ids, options);
  if (options.json) await context.out.json(answer);
  else await context.out.line(answer.text);
  return EXIT.ok;
}

async function detokenizeLines(context: CliContext, ids: number[] | undefined, options: DetokenizeOptions) {
  if (ids !== undefined && ids.length > 0)
    throw new UsageError('--jsonl reads standard input. Do not pass ids as well.');
  const tokenizer = await openTokenizerArgument(context, options.model);
  return answerJsonLines(context, (line) => {
    if (!Array.isArray(line)) throw new UsageError('Each line must be a JSON array of token ids.');
    // The tokenizer refuses invalid ids.
    return detokenize(tokenizer, line as number[], options);
  });
}

function detokenize(tokenizer: Tokenizer, ids: readonly number[], { special }: DetokenizeOptions) {
  return { ids, pieces: ids.map((id) => tokenizer.piece(id)), text: tokenizer.decode(ids, !special) };
}
