import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { withEngine } from '../engine-session.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { formatScore } from '../format/score.ts';
import { addEngineOptions, loadOptions, type EngineOptions } from '../options/engine-options.ts';
import { addPromptOptions, readPrompt, type PromptOptions } from '../options/text-input.ts';
import { parseCount } from '../options/values.ts';
import { piecesOf } from '../pieces.ts';

interface ScoreOptions extends EngineOptions, PromptOptions {
  top: number;
  json?: true;
}

export function addScoreCommand(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  const command = program
    .command('score')
    .summary('show how probable a text is to the model')
    .description('Shows the probability of each token of a text, and the text’s perplexity.')
    .argument('[text]', 'the text; "-" reads standard input');
  addEngineOptions(command)
    .option('--top <n>', 'show the n most probable tokens at each position', parseCount, 10)
    .option('--json', 'print one JSON object: ids, logprobs, ranks, entropies, top, perplexity');
  addPromptOptions(command).action(async (text: string | undefined, options: ScoreOptions) => {
    const prompt = await readPrompt(context, text, options);
    await withEngine(
      context,
      options.model,
      async ({ client }) => {
        const { signal } = context;
        const score = await client.call('score', { prompt, top: options.top }, { signal });
        if (options.json) return context.out.json(score);
        const best = score.top.flatMap((candidates) => candidates.slice(0, 1).map(([id]) => id));
        return context.out.line(formatScore(score, await piecesOf(client, [...score.ids, ...best], signal)));
      },
      loadOptions(options),
    );
    done(EXIT.ok);
  });
}
