/** Flags of the engine's settings, derived from their tables. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  defaultsOf,
  namedBy,
  type ChoiceSetting,
  type NamesSetting,
  type NumberSetting,
  type Setting,
  type SettingTable,
  type TextsSetting,
  type ValuesOf,
} from '../../../../engine/settings/setting.ts';
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

/** Commander stores its value under the setting's key, whatever the flag's name. */
class SettingOption extends Option {
  readonly #key: string;

  constructor(key: string, flags: string, help: string) {
    super(flags, help);
    this.#key = key;
  }

  override attributeName(): string {
    return this.#key;
  }
}

/**
 * Adds a flag for every setting that has one.
 * @param defaults override the table's
 */
export function addSettingOptions<T extends SettingTable>(
  command: Command,
  table: T,
  defaults: Partial<ValuesOf<T>> = {},
): void {
  for (const [key, row] of Object.entries(table)) {
    if (row.flag === undefined) continue;
    const option = settingOption(key, row, row.flag);
    const value: unknown = defaults[key] ?? row.default;
    // A list that a flag appends to starts empty, so that a text replaces the defaults.
    if (row.kind === 'number' || row.kind === 'choice') option.default(value ?? undefined);
    if (row.kind === 'names') option.default(value, String(value));
    command.addOption(option);
    const placeholder = row.flag.slice(flagName(row.flag).length);
    for (const alias of row.aliases ?? []) command.addOption(settingOption(key, row, alias + placeholder).hideHelp());
  }
}

/** The values of the flags, over the defaults. */
export function settingValues<T extends SettingTable>(table: T, options: object): ValuesOf<T> {
  const given = Object.keys(table).flatMap((key) => {
    const value: unknown = Reflect.get(options, key);
    return value === undefined ? [] : [[key, value] as const];
  });
  return { ...defaultsOf(table), ...Object.fromEntries(given) };
}

/** `--top-k` of `--top-k <k>`. */
export function flagName(flag: string): string {
  return flag.replace(/ .*/, '');
}

function settingOption(key: string, row: Setting, flags: string): Option {
  const option = new SettingOption(key, flags, row.help);
  switch (row.kind) {
    case 'number':
      return option.argParser(numberParser(row));
    case 'choice':
      return option.argParser((text) => parseChoice(row, text));
    case 'names':
      return option.argParser((text) => parseNames(row, text));
    case 'texts':
      return option.argParser(textsParser(row));
    case 'token_biases':
      return option.argParser(collect(parseLogitBias));
    case 'text_biases':
      return option.argParser(collect(parseTextBias));
    case 'toggle':
    case 'grammar':
      return option;
  }
}

/** The engine checks ranges: a value out of range is not a usage error. */
function numberParser({ integer, min, unit }: NumberSetting): (text: string) => number {
  if (unit === 'ms') return (text) => parseSeconds(text) * 1000;
  if (!integer) return parseNumber;
  return min >= 0 ? parseCount : parseInteger;
}

function parseChoice({ values, allowed }: ChoiceSetting, text: string): number {
  const chosen = parseCount(text);
  if (values.includes(chosen)) return chosen;
  throw new InvalidArgumentError(`Give ${allowed}.`);
}

function parseNames(row: NamesSetting, text: string): string[] {
  const written = text.split(/[,;]/).filter((name) => name !== '');
  return written.map((name) => {
    const known = namedBy(row, name);
    if (known !== undefined) return known;
    throw new InvalidArgumentError(`Unknown name "${name}". Expected: ${row.values.join(', ')}.`);
  });
}

/** If there are defaults, "none" means an empty list. */
function textsParser(row: TextsSetting): (text: string, previous: string[] | undefined) => string[] {
  const add = collect(row.escapes ? parseEscapes : String);
  return (text, previous) => (row.default.length > 0 && text === 'none' ? (previous ?? []) : add(text, previous));
}
