import { STOP_SETTINGS } from '../../../../../src-main/engine/settings/generation.ts';
import { SAMPLING_SETTINGS } from '../../../../../src-main/engine/settings/sampling.ts';
import type { Setting } from '../../../../../src-main/engine/settings/setting.ts';
import type { SettingKey } from './settings-mapper.ts';

const ROWS: Readonly<Record<SettingKey, Setting>> = { ...SAMPLING_SETTINGS, ...STOP_SETTINGS };

/** llama.cpp's flags, which the tables have, so that only what it calls otherwise is listed. */
export const LLAMA_FLAGS: ReadonlyMap<string, SettingKey> = new Map<string, SettingKey>([
  ...flagsOf(SAMPLING_SETTINGS),
  ...flagsOf({ maxTokens: STOP_SETTINGS.maxTokens, ignoreEos: STOP_SETTINGS.ignoreEos }),
  ['-n', 'maxTokens'],
  ['-s', 'seed'],
]);

/** Its keys in JSON, which are its flags with other separators, and those that differ. Lists are read one by one. Ollama uses the same names. */
export const LLAMA_KEYS: Readonly<Record<string, SettingKey>> = {
  ...Object.fromEntries(
    [...LLAMA_FLAGS]
      .filter(([, key]) => ['number', 'choice', 'toggle'].includes(ROWS[key].kind))
      .map(([flag, key]) => [flag.replace(/^-+/, '').replaceAll('-', '_'), key]),
  ),
  max_tokens: 'maxTokens',
  typ_p: 'typicalP',
  dynatemp_exponent: 'dynatempExponent',
  dry_sequence_breakers: 'drySequenceBreakers',
  mirostat_tau: 'mirostatTau',
  mirostat_eta: 'mirostatEta',
};

function flagsOf(table: Readonly<Record<string, Setting>>): [string, SettingKey][] {
  return Object.entries(table).flatMap(([key, { flag, aliases = [] }]) =>
    [flag?.split(' ')[0], ...aliases].flatMap((one): [string, SettingKey][] =>
      one === undefined ? [] : [[one, key as SettingKey]],
    ),
  );
}
