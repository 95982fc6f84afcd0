import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { EXIT, type ExitCode } from '../../errors.ts';
import { formatListings } from '../../format/model-lists.ts';
import { DEFAULT_MODEL } from '../../options/model-option.ts';
import { unlessStopped } from './stoppable.ts';

export function addListCommand(models: Command, context: CliContext, done: (code: ExitCode) => void): void {
  models
    .command('list', { isDefault: true })
    .summary('list the models for --model')
    .option('--json', 'print a JSON array')
    .action(async ({ json }: { json?: true }) => {
      const listings = await unlessStopped(context, ({ handlers }) => handlers.modelsList());
      if (json) await context.out.json(listings.map((model) => ({ ...model, isDefault: model.id === DEFAULT_MODEL })));
      else {
        await context.out.line(formatListings(listings, DEFAULT_MODEL));
        for (const { stateText } of listings)
          if (stateText !== null) await context.err.line(`tokenscope: ${stateText}`);
      }
      done(EXIT.ok);
    });
}
