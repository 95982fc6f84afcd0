import type { Command } from 'commander';
import { availableParallelism } from 'node:os';
import { defaultContext } from '../../../../../engine/api/defaults.ts';
import { describeModel } from '../../../../../engine/index.ts';
import type { ModelListing } from '../../../../../protocol/app/app-services.ts';
import { fitOf, memoryAt } from '../../../../../protocol/engine/model-fit.ts';
import { modelPathOf } from '../../../../../services/models/model-location.ts';
import { systemMemory } from '../../../../../services/system-resources.ts';
import { compileNodeKernels } from '../../../kernels.ts';
import type { CliContext } from '../../context.ts';
import { EXIT, type ExitCode } from '../../errors.ts';
import { formatModelDescription, formatFit } from '../../format/model-description.ts';
import { findModel, openFoundModel, type ModelArgument } from '../../model-argument.ts';
import { parseCount } from '../../options/values.ts';
import { unlessStopped } from './stoppable.ts';

export function addModelInfoCommand(models: Command, context: CliContext, done: (code: ExitCode) => void): void {
  models
    .command('info')
    .summary('show what a model is, where it is, and whether it fits in memory')
    .argument('<model>', 'an id, a .gguf file or a folder with config.json and safetensors')
    .option('--context <n>', 'context size in tokens (default: at most 4096)', parseCount)
    .option('--json', 'print one JSON object')
    .action(async (model: string, { context: tokens, json }: { context?: number; json?: true }) => {
      const found = await findModel(context, model);
      const description = await describeModel(await openFoundModel(context, found), availableParallelism(), async () =>
        compileNodeKernels(),
      );
      const listings = await unlessStopped(context, ({ handlers }) => handlers.modelsList());
      const listing = await listingOf(found, listings);
      const contextSize = Math.min(tokens ?? defaultContext(description.contextSize), description.contextSize);
      const needed = memoryAt(description.memory, contextSize).total;
      // Nothing has to fit if the model cannot be loaded.
      const fit = description.problem === null ? fitOf({ needed, free: systemMemory().freeBytes, held: 0 }) : null;
      if (json) await context.out.json({ ...description, listing, fit: fit && { ...fit, contextSize } });
      else {
        const facts = [
          ...(listing?.path ? [`at ${listing.path}, from: ${listing.source}`] : []),
          ...(listing?.sha256 ? [`SHA-256 ${listing.sha256}`] : []),
          ...(listing?.stateText ? [listing.stateText] : []),
          ...(fit ? [formatFit(fit, contextSize)] : []),
        ];
        await context.out.line([formatModelDescription(description), ...facts].join('\n'));
      }
      done(EXIT.ok);
    });
}

/** The listing of a model: by its id, or by its path if that is what was passed, because two files may have one name. */
async function listingOf(
  { modelId, modelPaths, isInLibrary }: ModelArgument,
  listings: readonly ModelListing[],
): Promise<ModelListing | null> {
  const isPath = Object.hasOwn(modelPaths, modelId) && !isInLibrary;
  if (!isPath) return listings.find(({ id }) => id === modelId) ?? null;
  // What cannot be added to the library is not in it.
  const place = await modelPathOf(modelPaths[modelId]).catch(() => null);
  return listings.find(({ path }) => path !== null && path === place) ?? null;
}
