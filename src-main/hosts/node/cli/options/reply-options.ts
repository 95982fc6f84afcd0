import { Option, type Command } from 'commander';
import type { GenerateParams } from '../../../../engine/api/types.ts';
import { addChatOptions, type ChatOptions } from './chat-options.ts';
import { promptInput, type PromptSource } from './prompt-source.ts';
import { samplingParams, stopParams, type SamplingOptions, type StopOptions } from './sampling-options.ts';

/** Everything that a reply depends on except the model and the text, as parsed by commander. */
export interface ReplyOptions extends SamplingOptions, StopOptions, ChatOptions {
  kvCache: boolean;
  speculation: boolean;
  whenFull: 'stop' | 'shift';
}

/** Adds the flags of `ReplyOptions` other than those for sampling and stop conditions. */
export function addContextOptions(command: Command): Command {
  command
    .option('--no-kv-cache', 'recompute the whole sequence for each token')
    .option('--no-speculation', 'do not guess tokens ahead (the reply is the same)')
    .addOption(
      new Option('--when-full <policy>', 'when the context window is full: stop, or drop the oldest half and continue')
        .choices(['stop', 'shift'])
        .default('stop'),
    );
  return addChatOptions(command);
}

/** @throws UsageError for flags that contradict each other */
export function generateParams(source: PromptSource, options: ReplyOptions, topCandidates = 0): GenerateParams {
  return {
    prompt: promptInput(source, options),
    sampling: samplingParams(options),
    stop: stopParams(options),
    useKvCache: options.kvCache,
    speculate: options.speculation,
    topCandidates,
  };
}
