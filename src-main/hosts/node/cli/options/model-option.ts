import type { Command } from 'commander';

export const DEFAULT_MODEL = 'tiny-transformer';

export interface ModelOption {
  model: string;
}

export function addModelOption(command: Command): Command {
  return command.option('--model <id>', 'the model to use; see "tokenscope models"', DEFAULT_MODEL);
}
