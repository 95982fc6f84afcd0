import type { Command } from 'commander';

export const DEFAULT_MODEL = 'tiny-transformer';

export interface ModelOption {
  model: string;
}

export function addModelOption(command: Command): Command {
  return command.option(
    '--model <id or path>',
    'the model to use: an id (see "tokenscope models"), a .gguf file or a folder with config.json and safetensors',
    DEFAULT_MODEL,
  );
}
