import { Option, InvalidArgumentError, type Command } from 'commander';
import { defaultSamplingParams, defaultStopParams } from '../../../../engine/defaults.ts';
import {
  DEFAULT_SAMPLER_ORDER,
  type SamplerName,
  type SamplingParams,
  type StopParams,
} from '../../../../engine/types.ts';
import { collect, parseCount, parseInteger, parseLogitBias, parseNumber, parseSeconds } from './values.ts';

/** Flags of `addSamplingOptions` and `addStopOptions` as commander gives them. */
export interface SamplingOptions {
  greedy?: true;
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
  repeatPenalty: number;
  frequencyPenalty: number;
  presencePenalty: number;
  penaltyLastN: number;
  logitBias?: [number, number][];
  samplers: SamplerName[];
  seed?: number;
}

export interface StopOptions {
  maxTokens: number;
  stop?: string[];
  repetition?: number;
  timeLimit?: number;
  ignoreEos?: true;
}

export function addSamplingOptions(command: Command): Command {
  const defaults = defaultSamplingParams();
  return command
    .optionsGroup('Sampling:')
    .option('--greedy', 'always take the most probable token (temperature 0)')
    .option('--temperature <t>', 'above 1 more varied, below 1 safer, 0 greedy', parseNumber, defaults.temperature)
    .option('--top-k <k>', 'keep the k most probable tokens; 0 = off', parseInteger, defaults.topK)
    .option('--top-p <p>', 'keep the smallest set with this probability; 1 = off', parseNumber, defaults.topP)
    .option('--min-p <p>', 'keep tokens this probable relative to the best; 0 = off', parseNumber, defaults.minP)
    .option('--repeat-penalty <x>', 'weaken recent tokens; 1 = off', parseNumber, defaults.repeatPenalty)
    .option('--frequency-penalty <x>', 'per earlier occurrence; 0 = off', parseNumber, defaults.frequencyPenalty)
    .option('--presence-penalty <x>', 'once if it occurred; 0 = off', parseNumber, defaults.presencePenalty)
    .option('--penalty-last-n <n>', 'tokens the penalties look at; -1 = all', parseInteger, defaults.penaltyLastN)
    .option('--logit-bias <id=bias>', 'add to the logit of a token; repeatable', collect(parseLogitBias))
    .addOption(
      new Option('--samplers <names>', 'stages in the order they run')
        .argParser(parseSamplers)
        .default([...DEFAULT_SAMPLER_ORDER], DEFAULT_SAMPLER_ORDER.join(',')),
    )
    .option('--seed <n>', 'same seed, same text (default: a fresh one, which is reported)', parseCount);
}

/** @param maxTokens default of `--max-tokens` */
export function addStopOptions(command: Command, maxTokens = defaultStopParams().maxTokens): Command {
  return command
    .optionsGroup('Stop conditions:')
    .option('--max-tokens <n>', 'generate at most n tokens', parseCount, maxTokens)
    .option('--stop <text>', 'end before this text; repeatable', collect(String))
    .option(
      '--repetition <n>',
      'end when the last n tokens repeat the n before; 0 = off (default: as the model suggests)',
      parseCount,
    )
    .option('--time-limit <seconds>', 'end after this time', parseSeconds)
    .option('--ignore-eos', 'never let the model end the text by itself');
}

export function samplingParams(options: SamplingOptions): SamplingParams {
  const { greedy, logitBias, seed, samplers, ...values } = options;
  const params = pick(values);
  if (!greedy) return { ...params, samplers, logitBias: logitBias ?? [], seed: seed ?? null };
  // Greedy is what the temperature stage does at 0, so the stage must run.
  const withTemperature: SamplerName[] = samplers.includes('temperature') ? samplers : [...samplers, 'temperature'];
  return { ...params, temperature: 0, samplers: withTemperature, logitBias: logitBias ?? [], seed: seed ?? null };
}

function pick(options: Omit<SamplingOptions, 'greedy' | 'logitBias' | 'seed' | 'samplers'>) {
  const { temperature, topK, topP, minP, repeatPenalty, frequencyPenalty, presencePenalty, penaltyLastN } = options;
  return { temperature, topK, topP, minP, repeatPenalty, frequencyPenalty, presencePenalty, penaltyLastN };
}

export function stopParams(options: StopOptions): StopParams {
  return {
    maxTokens: options.maxTokens,
    stopStrings: options.stop ?? [],
    repetitionWindow: options.repetition ?? null,
    timeLimitMs: options.timeLimit === undefined ? null : options.timeLimit * 1000,
    ignoreEos: options.ignoreEos ?? false,
  };
}

function parseSamplers(text: string): SamplerName[] {
  const names = text.split(/[,;]/).filter((name) => name !== '');
  return names.map((name) => {
    const known = DEFAULT_SAMPLER_ORDER.find((sampler) => sampler === name.trim());
    if (known) return known;
    throw new InvalidArgumentError(`"${name}" is none of ${DEFAULT_SAMPLER_ORDER.join(', ')}.`);
  });
}
