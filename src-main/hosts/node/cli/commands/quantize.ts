import type { Command } from 'commander';
import { type QuantizeProgress, quantizeModel, TARGET_TYPES } from '../../../../engine/index.ts';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { formatBytes } from '../format/numbers.ts';
import { openModelArgument } from '../model-argument.ts';
import { createFile } from '../new-file.ts';

export function addQuantizeCommand(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('quantize')
    .summary('convert a model to GGUF in another type')
    .description(
      'Writes a model as one GGUF file with its matrices in another type. Norms, biases and position tables ' +
        'stay F32. Below Q6_K, the output matrix is stored as Q6_K. Rows that are not a multiple of the block size fall back to Q8_0 or F16.',
    )
    .argument('<in>', 'a .gguf file, a folder with config.json and safetensors, or an id')
    .argument('<out>', 'the new .gguf file')
    .argument('<type>', TARGET_TYPES.join(', '))
    .option('--json', 'print one JSON object at the end: path, fileBytes, types')
    .action(async (input: string, path: string, type: string, { json }: { json?: true }) => {
      const { signal, err, out } = context;
      const files = await openModelArgument(context, input);
      const tell = tenths();
      const file = await createFile(path);
      try {
        const { fileBytes, types } = await quantizeModel(files, type, file, {
          cancel: {
            get cancelled() {
              return signal.aborted;
            },
          },
          onWarning: (message) => void err.line(`tokenscope: ${message}`),
          onProgress: (progress) => {
            const line = json ? null : tell(progress);
            if (line !== null) void err.line(line);
          },
        });
        await file.finish();
        const counts = Object.entries(types).map(([name, count]) => `${count} x ${name}`);
        if (json) await out.json({ path, fileBytes, types });
        else await out.line(`${path}: ${formatBytes(fileBytes)}, tensors: ${counts.join(', ')}`);
      } finally {
        await file.discard();
      }
      done(EXIT.ok);
    });
}

/** Returns a line for every tenth of the file, else null. */
function tenths(): (progress: QuantizeProgress) => string | null {
  let told = 0;
  return ({ bytesWritten, totalBytes, tensor, tensors }) => {
    const tenth = Math.floor((10 * bytesWritten) / totalBytes);
    if (tenth <= told) return null;
    told = tenth;
    return `${10 * tenth} %: tensor ${tensor} of ${tensors}, ${formatBytes(bytesWritten)} of ${formatBytes(totalBytes)}`;
  };
}
