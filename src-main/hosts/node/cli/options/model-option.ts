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

/** As `addModelOption`, for commands that need only the tokenizer. */
export function addTokenizerOption(command: Command): Command {
  return command.option(
    '--model <id or path>',
    'model whose tokenizer to use: an id (see "tokenscope models"), a .gguf file with or without weights, a model\'s folder or a ' +
      'tokenizer.json',
    DEFAULT_MODEL,
  );
}
