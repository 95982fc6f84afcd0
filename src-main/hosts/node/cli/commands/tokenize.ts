import type { Command } from 'commander';
import type { Tokenized } from '../../../../engine/types.ts';
import type { CliContext } from '../context.ts';
import { unpackTokens } from '../../../../protocol/unpack-tokens.ts';
import { withEngine, type EngineSession } from '../engine-session.ts';
import { EXIT, UsageError, type ExitCode } from '../errors.ts';
import { formatTokens } from '../format/tokens.ts';
import { answerJsonLines } from '../json-lines.ts';
import { addModelOption, type ModelOption } from '../options/model-option.ts';
import { addTextOptions, readText, type TextOptions } from '../options/text-input.ts';

interface TokenizeOptions extends ModelOption, TextOptions {
  json?: true;
  jsonl?: true;
}

export function addTokenizeCommand(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  const command = program
    .command('tokenize')
    .summary('turn a text into token ids')
    .description('Turns a text into token ids and shows which piece of the text each stands for.')
    .argument('[text]', 'the text; "-" reads standard input');
  addModelOption(command)
    .option('--json', 'one JSON object: ids, pieces, text')
    .option('--jsonl', 'read a JSON string per line from standard input, answer each with a line of JSON');
  addTextOptions(command).action(async (text: string | undefined, options: TokenizeOptions) => {
    done(await (options.jsonl ? tokenizeLines(context, text, options) : tokenizeText(context, text, options)));
  });
}

async function tokenizeText(context: CliContext, argument: string | undefined, options: TokenizeOptions) {
  const text = await readText(context, argument, options);
  return withEngine(context, options.model, async (session) => {
    const tokenized = await tokenize(session, text, options, context.signal);
    if (options.json) await context.out.json(tokenizedJson(text, tokenized));
    else await context.out.line(formatTokens(text, unpackTokens(tokenized)));
    return EXIT.ok;
  });
}

async function tokenizeLines(context: CliContext, argument: string | undefined, options: TokenizeOptions) {
  if (argument !== undefined || options.file !== undefined) {
    throw new UsageError('--jsonl reads standard input; give no text and no --file.');
  }
  return withEngine(context, options.model, (session) =>
    answerJsonLines(context, async (text) => {
      if (typeof text !== 'string') throw new UsageError('Each line must be a JSON string.');
      return tokenizedJson(text, await tokenize(session, text, options, context.signal));
    }),
  );
}

function tokenize({ client }: EngineSession, text: string, options: TokenizeOptions, signal: AbortSignal) {
  const params = { text, addBos: options.bos, parseSpecial: options.special ?? false };
  return client.call('tokenize', params, { signal });
}

function tokenizedJson(text: string, { ids, vocabulary }: Tokenized) {
  return { ids, pieces: ids.map((id) => vocabulary.get(id)?.piece), text };
}
