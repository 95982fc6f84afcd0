import { Option, InvalidArgumentError, type Command } from 'commander';
import { defaultSamplingParams, defaultStopParams } from '../../../../engine/defaults.ts';
import {
  DEFAULT_SAMPLER_ORDER,
  type GrammarSource,
  type SamplerName,
  type SamplingParams,
  type StopParams,
} from '../../../../engine/types.ts';
import { UsageError } from '../errors.ts';
import { readSourceFile } from './source-file.ts';
import {
  collect,
  parseCount,
  parseEscapes,
  parseInteger,
  parseLogitBias,
  parseNumber,
  parseSeconds,
  parseTextBias,
} from './values.ts';

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
  typicalP: number;
  topNsigma: number;
  xtcProbability: number;
  xtcThreshold: number;
  dryMultiplier: number;
  dryBase: number;
  dryAllowedLength: number;
  dryPenaltyLastN: number;
  drySequenceBreaker?: string[];
  dynatempRange: number;
  dynatempExp: number;
  mirostat: 0 | 1 | 2;
  mirostatEnt: number;
  mirostatLr: number;
  adaptiveTarget: number;
  adaptiveDecay: number;
  minKeep: number;
  logitBias?: [number, number][];
  bias?: [string, number][];
  ban?: string[];
  grammar?: string;
  grammarFile?: string;
  jsonSchema?: string;
  jsonSchemaFile?: string;
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

/** The flags have llama.cpp's names. */
export function addSamplingOptions(command: Command): Command {
  const defaults = defaultSamplingParams();
  command
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
    .option('--min-keep <n>', 'tokens that a stage leaves at least', parseCount, defaults.minKeep)
    .option('--seed <n>', 'same seed, same text (default: a fresh one, which is reported)', parseCount);
  addContentOptions(command);
  return command
    .optionsGroup('More samplers, off by default:')
    .option(
      '--typical-p <p>',
      'keep the most typical tokens of this probability; 1 = off',
      parseNumber,
      defaults.typicalP,
    )
    .option('--top-nsigma <n>', 'keep logits within n deviations of the best; 0 = off', parseNumber, defaults.topNSigma)
    .option('--xtc-probability <p>', 'chance to remove the top choices; 0 = off', parseNumber, defaults.xtcProbability)
    .option('--xtc-threshold <p>', 'from where a token is a top choice', parseNumber, defaults.xtcThreshold)
    .option('--dry-multiplier <x>', 'weaken what repeats a passage; 0 = off', parseNumber, defaults.dryMultiplier)
    .option('--dry-base <x>', 'growth with each token of the passage', parseNumber, defaults.dryBase)
    .option('--dry-allowed-length <n>', 'tokens that may be repeated', parseCount, defaults.dryAllowedLength)
    .option('--dry-penalty-last-n <n>', 'tokens DRY looks at; -1 = all', parseInteger, defaults.dryPenaltyLastN)
    .option(
      '--dry-sequence-breaker <text>',
      'text that ends the search for repetition; repeatable; "none" for no breakers (default: \\n, :, ", *)',
      collect(parseEscapes),
    )
    .option(
      '--dynatemp-range <t>',
      'move the temperature with uncertainty; 0 = off',
      parseNumber,
      defaults.dynatempRange,
    )
    .option(
      '--dynatemp-exp <x>',
      'bend the way from uncertainty to temperature',
      parseNumber,
      defaults.dynatempExponent,
    )
    .addOption(
      new Option(
        '--mirostat <version>',
        'hold the surprise of the text steady, in place of the other samplers; 0 = off',
      )
        .argParser(parseMirostat)
        .default(defaults.mirostat),
    )
    .option('--mirostat-ent <bits>', 'the surprise per token aimed at', parseNumber, defaults.mirostatTau)
    .option('--mirostat-lr <x>', 'how fast mirostat adapts', parseNumber, defaults.mirostatEta)
    .option(
      '--adaptive-target <p>',
      'prefer tokens near this probability; below 0 = off',
      parseNumber,
      defaults.adaptiveTarget,
    )
    .option('--adaptive-decay <x>', 'how much of earlier tokens counts for that', parseNumber, defaults.adaptiveDecay);
}

/** What the reply must follow, lean to and leave out. */
function addContentOptions(command: Command): void {
  command
    .optionsGroup('What the reply says:')
    .option('--grammar <gbnf>', 'follow a grammar in llama.cpp\'s GBNF, for example \'root ::= "yes" | "no"\'')
    .addOption(new Option('--grammar-file <path>', 'the same from a file').argParser(readSourceFile))
    .option('--json-schema <json>', 'write JSON that is valid against a schema; {} for any JSON')
    .addOption(new Option('--json-schema-file <path>', 'the same from a file').argParser(readSourceFile))
    .option('--ban <text>', 'never write this text; repeatable', collect(String))
    .option('--bias <text=bias>', "lean to a text, or away from it: 'cat=+2'; repeatable", collect(parseTextBias));
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
  const params: SamplingParams = {
    samplers: options.samplers,
    temperature: options.temperature,
    topK: options.topK,
    topP: options.topP,
    minP: options.minP,
    typicalP: options.typicalP,
    topNSigma: options.topNsigma,
    xtcProbability: options.xtcProbability,
    xtcThreshold: options.xtcThreshold,
    minKeep: options.minKeep,
    repeatPenalty: options.repeatPenalty,
    frequencyPenalty: options.frequencyPenalty,
    presencePenalty: options.presencePenalty,
    penaltyLastN: options.penaltyLastN,
    dryMultiplier: options.dryMultiplier,
    dryBase: options.dryBase,
    dryAllowedLength: options.dryAllowedLength,
    dryPenaltyLastN: options.dryPenaltyLastN,
    drySequenceBreakers: breakers(options.drySequenceBreaker),
    dynatempRange: options.dynatempRange,
    dynatempExponent: options.dynatempExp,
    mirostat: options.mirostat,
    mirostatTau: options.mirostatEnt,
    mirostatEta: options.mirostatLr,
    adaptiveTarget: options.adaptiveTarget,
    adaptiveDecay: options.adaptiveDecay,
    logitBias: options.logitBias ?? [],
    textBias: options.bias ?? [],
    bannedTexts: options.ban ?? [],
    grammar: grammar(options),
    seed: options.seed ?? null,
  };
  return options.greedy ? makeGreedy(params) : params;
}

/** Greedy is what the temperature stage does at 0, so the stage must run, and its temperature stay there. */
function makeGreedy(params: SamplingParams): SamplingParams {
  const { samplers } = params;
  const withTemperature: SamplerName[] = samplers.includes('temperature') ? samplers : [...samplers, 'temperature'];
  return { ...params, temperature: 0, dynatempRange: 0, samplers: withTemperature };
}

function grammar(options: SamplingOptions): GrammarSource | null {
  const { grammar, grammarFile, jsonSchema, jsonSchemaFile } = options;
  const given = [
    ...[grammar, grammarFile].map((source) => ({ kind: 'gbnf' as const, source })),
    ...[jsonSchema, jsonSchemaFile].map((source) => ({ kind: 'json_schema' as const, source })),
  ].flatMap(({ kind, source }) => (source === undefined ? [] : [{ kind, source }]));
  if (given.length > 1) {
    throw new UsageError('Give one of --grammar, --grammar-file, --json-schema and --json-schema-file.');
  }
  return given[0] ?? null;
}

function breakers(given: string[] | undefined): string[] {
  return given === undefined ? defaultSamplingParams().drySequenceBreakers : given.filter((text) => text !== 'none');
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

function parseMirostat(text: string): SamplingParams['mirostat'] {
  const version = parseCount(text);
  if (version === 0 || version === 1 || version === 2) return version;
  throw new InvalidArgumentError('Give 0 (off), 1 or 2.');
}

/** Other ways in which llama.cpp lets one write a sampler's name. */
const ALIASES = new Map<string, SamplerName>([
  ['typ_p', 'typical'],
  ['typical_p', 'typical'],
  ['temp', 'temperature'],
]);

function parseSamplers(text: string): SamplerName[] {
  const names = text.split(/[,;]/).filter((name) => name !== '');
  return names.map((name) => {
    const written = name.trim().replaceAll('-', '_');
    const known = ALIASES.get(written) ?? DEFAULT_SAMPLER_ORDER.find((sampler) => sampler === written);
    if (known) return known;
    throw new InvalidArgumentError(`"${name}" is none of ${DEFAULT_SAMPLER_ORDER.join(', ')}.`);
  });
}
