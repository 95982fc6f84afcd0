import { Option, type Command } from 'commander';
import { STOP_SETTINGS } from '../../../../engine/settings/generation.ts';
import {
  COMMON_SETTINGS,
  CONTENT_SETTINGS,
  FURTHER_SETTINGS,
  SAMPLING_SETTINGS,
} from '../../../../engine/settings/sampling.ts';
import type { GrammarSource, SamplingParams, StopParams } from '../../../../engine/api/types.ts';
import { UsageError } from '../errors.ts';
import { addSettingOptions, settingValues } from './setting-options.ts';
import { readSourceFile } from './text-input.ts';

/** Flags of `addSamplingOptions` as parsed by commander. */
export interface SamplingOptions extends Partial<Omit<SamplingParams, 'grammar'>> {
  greedy?: true;
  grammar?: string;
  grammarFile?: string;
  jsonSchema?: string;
  jsonSchemaFile?: string;
}

/** Flags of `addStopOptions` as parsed by commander. */
export type StopOptions = Partial<StopParams>;

/** Adds the sampling flags, with llama.cpp's names. */
export function addSamplingOptions(command: Command): Command {
  command.optionsGroup('Sampling:').option('--greedy', 'always take the most probable token (temperature 0)');
  addSettingOptions(command, COMMON_SETTINGS);
  command.optionsGroup('Reply content:');
  addGrammarOptions(command);
  addSettingOptions(command, CONTENT_SETTINGS);
  command.optionsGroup('More samplers, off by default:');
  addSettingOptions(command, FURTHER_SETTINGS);
  return command;
}

function addGrammarOptions(command: Command): void {
  command
    .option(
      '--grammar <gbnf>',
      'constrain the reply to a grammar in llama.cpp\'s GBNF, for example \'root ::= "yes" | "no"\'',
    )
    .addOption(new Option('--grammar-file <path>', 'read the grammar from a file').argParser(readSourceFile))
    .option('--json-schema <json>', 'constrain the reply to a JSON schema; {} for any JSON')
    .addOption(new Option('--json-schema-file <path>', 'read the JSON schema from a file').argParser(readSourceFile));
}

/** @param maxTokens default of `--max-tokens` */
export function addStopOptions(command: Command, maxTokens = STOP_SETTINGS.maxTokens.default): Command {
  command.optionsGroup('Stop conditions:');
  addSettingOptions(command, STOP_SETTINGS, { maxTokens });
  return command;
}

/** @throws UsageError when several grammars are passed */
export function samplingParams(options: SamplingOptions): SamplingParams {
  const params = { ...settingValues(SAMPLING_SETTINGS, options), grammar: grammar(options) };
  return options.greedy ? makeGreedy(params) : params;
}

/** Greedy is the temperature stage at 0, so the stage must run, with a fixed temperature. */
function makeGreedy(params: SamplingParams): SamplingParams {
  const { samplers } = params;
  const withTemperature = samplers.includes('temperature') ? samplers : [...samplers, 'temperature' as const];
  return { ...params, temperature: 0, dynatempRange: 0, samplers: withTemperature };
}

function grammar(options: SamplingOptions): GrammarSource | null {
  const { grammar, grammarFile, jsonSchema, jsonSchemaFile } = options;
  const given = [
    ...[grammar, grammarFile].map((source) => ({ kind: 'gbnf' as const, source })),
    ...[jsonSchema, jsonSchemaFile].map((source) => ({ kind: 'json_schema' as const, source })),
  ].flatMap(({ kind, source }) => (source === undefined ? [] : [{ kind, source }]));
  if (given.length > 1) {
    throw new UsageError('Use only one of --grammar, --grammar-file, --json-schema and --json-schema-file.');
  }
  return given[0] ?? null;
}

export function stopParams(options: StopOptions): StopParams {
  return settingValues(STOP_SETTINGS, options);
}
