import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { describeModel, type ModelDescription } from '../../../../engine/index.ts';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { compileNodeKernels } from '../../kernels.ts';
import { formatModelDescription } from '../format/model-description.ts';
import { openModelArgument } from '../model-argument.ts';

export function addInfoCommand(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('info')
    .summary('show what a model is and how much memory it needs')
    .description('Reads a model’s header and shows what it is and how much memory it needs. Does not load it.')
    .argument('<model>', 'a .gguf file, a folder with config.json and safetensors, or an id')
    .option('--json', 'print one JSON object')
    .action(async (model: string, { json }: { json?: true }) => {
      const files = await openModelArgument(context, model);
      const description: ModelDescription = await describeModel(files, availableParallelism(), async () =>
        compileNodeKernels(),
      );
      if (json) await context.out.json(description);
      else await context.out.line(formatModelDescription(description));
      done(EXIT.ok);
    });
}
