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
    .summary('the models on this computer, and how to get more')
    .description(
      'The library of models, the same as the app’s: files are used where they lie. Without a further word, lists them.',
    );
  addListCommand(models, context, done);
  addModelInfoCommand(models, context, done);
  addGetCommand(models, context, done);
  addLibraryCommands(models, context, done);
}
