import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { describeModel, type ModelDescription } from '../../../../engine/index.ts';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { formatModelDescription } from '../format/model-description.ts';
import { openModelArgument } from '../model-argument.ts';

export function addInfoCommand(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('info')
    .summary('what a model is and what it needs')
    .description('Reads the headers of a model and tells what it is and how much memory it needs. Loads nothing.')
    .argument('<model>', 'a .gguf file, a folder with config.json and safetensors, or an id')
    .option('--json', 'one JSON object')
    .action(async (model: string, { json }: { json?: true }) => {
      const files = await openModelArgument(context.modelsDir, model);
      const description: ModelDescription = await describeModel(files, availableParallelism());
      if (json) await context.out.json(description);
      else await context.out.line(formatModelDescription(description));
      done(EXIT.ok);
    });
}
