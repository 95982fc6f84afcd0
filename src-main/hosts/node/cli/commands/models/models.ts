import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import type { ExitCode } from '../../errors.ts';
import { addGetCommand } from './get.ts';
import { addModelInfoCommand } from './info.ts';
import { addListCommand } from './list.ts';
import { addLibraryCommands } from './library.ts';

export function addModelsCommand(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  const models = program
    .command('models')
    .summary('list, add and download models')
    .description(
      'Manages the model library, which is shared with the app. Files are used in place, not copied. Without a subcommand, lists the models.',
    );
  addListCommand(models, context, done);
  addModelInfoCommand(models, context, done);
  addGetCommand(models, context, done);
  addLibraryCommands(models, context, done);
}
