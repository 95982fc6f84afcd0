/** Commands that change the library. */
import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { ModelListing } from '../../../../../protocol/app/app-services.ts';
import type { CliContext } from '../../context.ts';
import { EXIT, type ExitCode } from '../../errors.ts';
import { formatFound } from '../../format/model-lists.ts';
import { formatBytes } from '../../format/numbers.ts';
import { existingPath } from '../../model-argument.ts';
import { openModelService } from '../../model-service.ts';
import { unlessStopped, untilStopped } from './stoppable.ts';

interface JsonOption {
  json?: true;
}

export function addLibraryCommands(models: Command, context: CliContext, done: (code: ExitCode) => void): void {
  const { out } = context;
  const tell = async (listing: ModelListing, { json }: JsonOption): Promise<void> => {
    if (json) await out.json(listing);
    else await out.line(`${listing.name}, ${formatBytes(listing.fileBytes)}. Use it with: --model ${listing.id}`);
    done(EXIT.ok);
  };

  models
    .command('add')
    .summary('add a file or folder without copying it')
    .argument('<path>', 'a .gguf file, a folder with config.json and safetensors, or an id from "found"')
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: JsonOption) => {
      const service = await openModelService(context);
      const isFound = /^found-[0-9a-f]+$/.test(path);
      await tell(
        isFound ? await service.handlers.modelAddFound(path) : await service.add(await existingPath(path)),
        options,
      );
    });

  models
    .command('locate')
    .summary('point to a model that was moved')
    .argument('<id>', 'an id from the library')
    .argument('<path>', 'its new location')
    .option('--json', 'print one JSON object')
    .action(async (id: string, path: string, options: JsonOption) => {
      const { library } = await openModelService(context);
      await tell(await library.locate(id, await existingPath(path)), options);
    });

  models
    .command('remove')
    .summary('remove a model from the library; its files are kept')
    .argument('<id>', 'an id from the library')
    .option('--delete-file', 'also delete the file if Tokenscope downloaded it')
    .option('--json', 'print one JSON object')
    .action(async (id: string, { deleteFile, json }: JsonOption & { deleteFile?: true }) => {
      const { name, path } = await untilStopped(context, async ({ library, handlers }) => {
        const model = library.require(id);
        await (deleteFile ? handlers.modelDelete(id) : handlers.modelRemove(id));
        return model;
      });
      if (json) await out.json({ id, path, deleted: deleteFile ?? false });
      else await out.line(deleteFile ? `Removed ${name} and deleted ${path}.` : `Removed ${name}. ${path} was kept.`);
      done(EXIT.ok);
    });

  models
    .command('verify')
    .summary('check a file’s SHA-256')
    .argument('<id>', 'an id from the library')
    .option('--json', 'print one JSON object')
    .action(async (id: string, { json }: JsonOption) => {
      const result = await untilStopped(context, ({ handlers }) => handlers.modelVerify(id));
      if (json) await out.json(result);
      else await out.line(result.text);
      if (result.matches === false) return done(EXIT.engineError);
      // The exit code alone must not claim what nobody could read.
      done((await out.flushed()) ? EXIT.ok : EXIT.unread);
    });

  models
    .command('found')
    .summary('list models of other apps on this computer')
    .description('Looks in the Hugging Face cache and the folders of Ollama and LM Studio. Reads only.')
    .option('--json', 'print one JSON object')
    .action(async ({ json }: JsonOption) => {
      const found = await unlessStopped(context, ({ handlers }) => handlers.modelsFound());
      if (json) await out.json(found);
      else await out.line(formatFound(found));
      done(EXIT.ok);
    });

  models
    .command('folder')
    .summary('show or change the download folder')
    .argument('[path]', 'the new folder; "default" for the one next to the settings')
    .option('--json', 'print one JSON object')
    .action(async (path: string | undefined, { json }: JsonOption) => {
      const service = await openModelService(context);
      if (path !== undefined) await service.library.setModelsFolder(path === 'default' ? null : resolve(path));
      const folder = await service.modelsFolder();
      const free = folder.freeBytes === null ? '' : `, ${formatBytes(folder.freeBytes)} free`;
      if (json) await out.json(folder);
      else await out.line(`${folder.path}${free}`);
      done(EXIT.ok);
    });
}
