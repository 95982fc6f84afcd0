import type { Command } from 'commander';
import type { Tokenizer } from '../../../../engine/index.ts';
import type { TokenPiece } from '../../../../engine/api/types.ts';
import type { CliContext } from '../context.ts';
import { EXIT, UsageError, type ExitCode } from '../errors.ts';
import { formatTokens } from '../format/tokens.ts';
import { answerJsonLines } from '../json-lines.ts';
import { openTokenizerArgument } from '../model-argument.ts';
import { addTokenizerOption, type ModelOption } from '../options/model-option.ts';
import { addTextOptions, readText, type TextOptions } from '../options/text-input.ts';

interface TokenizeOptions extends ModelOption, TextOptions {
  json?: true;
  jsonl?: true;
}

export function addTokenizeCommand(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  const command = program
    .command('tokenize')
    .summary('turn text into token ids')
    .description('Turns text into token ids and shows the piece of text for each token.')
    .argument('[text]', 'the text; "-" reads standard input');
  addTokenizerOption(command)
    .option('--json', 'print one JSON object: ids, pieces, text')
    .option('--jsonl', 'read one JSON string per line from standard input, print one line of JSON for each');
  addTextOptions(command).action(async (text: string | undefined, options: TokenizeOptions) => {
    done(await (options.jsonl ? tokenizeLines(context, text, options) : tokenizeText(context, text, options)));
  });
}

async function tokenizeText(context: CliContext, argument: string | undefined, options: TokenizeOptions) {
  const text = await readText(context, argument, options);
  const tokens = tokenize(await openTokenizerArgument(context, options.model), text, options);
  if (options.json) await context.out.json(tokenizedJson(text, tokens));
  else await context.out.line(formatTokens(text, tokens));
  return EXIT.ok;
}

async function tokenizeLines(context: CliContext, argument: string | undefined, options: TokenizeOptions) {
  if (argument !== undefined || options.file !== undefined) {
    throw new UsageError('--jsonl reads standard input. Do not pass text or --file as well.');
  }
  const tokenizer = await openTokenizerArgument(context, options.model);
  return answerJsonLines(context, (text) => {
    if (typeof text !== 'string') throw new UsageError('Each line must be a JSON string.');
    return tokenizedJson(text, tokenize(tokenizer, text, options));
  });
}

function tokenize(tokenizer: Tokenizer, text: string, { bos, special }: TokenizeOptions): TokenPiece[] {
  return tokenizer.encodePieces(text, { addSpecial: bos, parseSpecial: special ?? false });
}

function tokenizedJson(text: string, tokens: readonly TokenPiece[]) {
  return { ids: tokens.map(({ id }) => id), pieces: tokens.map(({ piece }) => piece), text };
}
