import type { Command } from 'commander';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { listModelIds, openModelFolder } from '../../model-folder.ts';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { formatBytes } from '../format/numbers.ts';
import { formatTable } from '../format/table.ts';
import { DEFAULT_MODEL } from '../options/model-option.ts';

interface ModelEntry {
  id: string;
  /** The one that commands use without `--model`. */
  isDefault: boolean;
  /** Of all its files together. */
  bytes: number;
  folder: string;
}

export function addModelsCommand(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('models')
    .summary('list the models')
    .description('Lists the models that --model can name.')
    .option('--json', 'a JSON array')
    .action(async ({ json }: { json?: true }) => {
      const ids = await listModelIds(context.modelsDir);
      const models = await Promise.all(ids.map((id) => describe(context.modelsDir, id)));
      if (json) await context.out.json(models);
      else await context.out.line(formatModels(models, context.modelsDir));
      done(EXIT.ok);
    });
}

async function describe(modelsDir: string, id: string): Promise<ModelEntry> {
  const folder = join(modelsDir, id);
  const { names } = await openModelFolder(modelsDir, id);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return { id, isDefault: id === DEFAULT_MODEL, bytes: sizes.reduce((a, b) => a + b, 0), folder };
}

function formatModels(models: readonly ModelEntry[], modelsDir: string): string {
  if (models.length === 0) return `There are no models in ${modelsDir}.`;
  return formatTable(
    [{ title: 'id' }, { title: 'size', align: 'right' }, { title: '' }],
    models.map(({ id, bytes, isDefault }) => [id, formatBytes(bytes), isDefault ? 'default' : '']),
  );
}
