import { Command } from 'commander';
import { version } from '../../../../package.json';
import { addBenchCommand } from './commands/bench.ts';
import { addChatCommand } from './commands/chat.ts';
import { addCompareCommand } from './commands/compare.ts';
import { addDetokenizeCommand } from './commands/detokenize.ts';
import { addInfoCommand } from './commands/info.ts';
import { addInspectCommand } from './commands/inspect.ts';
import { addModelsCommand } from './commands/models/models.ts';
import { addQuantizeCommand } from './commands/quantize.ts';
import { addRunCommand } from './commands/run.ts';
import { addScoreCommand } from './commands/score.ts';
import { addTokenizeCommand } from './commands/tokenize.ts';
import { addVerifyCommand } from './commands/verify.ts';
import type { CliContext } from './context.ts';
import { cancelled, toErrorPayload } from '../../../protocol/errors.ts';
import { EXIT, failureOf, type ExitCode, type Failure } from './errors.ts';

const AFTER_HELP = `
Exit codes: 0 success, 1 error, 2 wrong usage, 130 stopped with Ctrl-C, 129 or 143 ended by a signal,
141 nobody read the result.
Errors go to standard error, with --json as { "error": { "code", "message", "details" } }.
Put "--" before a text that starts with "-".

Examples:
  tokenscope run "Once upon a time" --max-tokens 40 --seed 1
  tokenscope run --chat "What is a token?" --model ~/models/SmolLM2-135M-Instruct.Q4_1.gguf
  tokenscope chat --system "Be brief." --model ~/models/SmolLM2-135M-Instruct.Q4_1.gguf
  tokenscope compare "The cat" --lane greedy --lane top-k=40,seed=1 --lane temperature=1.5
  tokenscope inspect "Hello world"
  tokenscope models get smollm2-135m-instruct-q4_1
  tokenscope quantize ~/models/SmolLM2-135M model.gguf Q4_K
  echo "The cat sat on the mat." | tokenscope score - --json
`;

const COMMANDS = [
  addRunCommand,
  addVerifyCommand,
  addChatCommand,
  addCompareCommand,
  addTokenizeCommand,
  addDetokenizeCommand,
  addScoreCommand,
  addInspectCommand,
  addModelsCommand,
  addInfoCommand,
  addQuantizeCommand,
  addBenchCommand,
];

/**
 * Runs one command line.
 * @param args without the program's own name
 * @returns the exit code; never throws
 */
export async function runCli(args: readonly string[], context: CliContext): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const written: Promise<void>[] = [];
  const program = new Command('tokenscope')
    .description('Runs language models on this computer and shows how they work.')
    .version(version)
    .addHelpText('after', AFTER_HELP)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => written.push(context.out.write(text)),
      writeErr: (text) => written.push(context.err.write(text)),
      // Errors are printed below, all in the same form.
      outputError: () => undefined,
    });
  for (const add of COMMANDS) add(program, context, (code) => (exitCode = code));
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (context.signal.aborted) {
      // An interrupted command with partial results has printed them, and did not throw.
      if (context.out.open && wantsJson(args)) await context.err.json({ error: toErrorPayload(cancelled()) });
      return EXIT.interrupted;
    }
    const failure = failureOf(thrown);
    await reportFailure(failure, args, context);
    return failure.exitCode;
  } finally {
    await Promise.all(written);
  }
}

async function reportFailure(
  { error, exitCode }: Failure,
  args: readonly string[],
  { err }: CliContext,
): Promise<void> {
  if (error === null) return;
  if (wantsJson(args)) return err.json({ error });
  const hint = exitCode === EXIT.usage ? '\nSee "tokenscope --help", or "tokenscope COMMAND --help".' : '';
  return err.line(`tokenscope: ${error.message}${hint}`);
}

function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const flags = end === -1 ? args : args.slice(0, end);
  return flags.includes('--json') || flags.includes('--jsonl');
}
