/**
 * Rows of the settings tables. Types, defaults, checks, schemas, flags, keys in model files and labels are all derived
 * from them, so a setting is described nowhere else.
 */

/** Unit of a number. The command line takes seconds instead of milliseconds. */
export type Unit = 'tokens' | 'bits' | 'ms';

/** Names of a setting. */
interface Names {
  /** In the interface. */
  label: string;
  /** On the command line, with its value's name: `--top-k <k>`. */
  flag?: `--${string}`;
  /** llama.cpp's other names for the flag. The help omits them. */
  aliases?: readonly `--${string}`[];
  /** Key in a GGUF file, below `general.sampling.`. */
  gguf?: string;
  /** Key in a Hugging Face folder's `generation_config.json`. */
  hf?: string;
}

interface Row<T> extends Names {
  /** Also determines the setting's type. */
  default: T;
  /** One line, for the command line's help. */
  help: string;
}

/** `min` and `max` are inclusive. */
export interface NumberRange {
  min: number;
  max: number;
  integer: boolean;
}

/** A default of null makes it optional. */
export interface NumberSetting<T extends number | null = number | null> extends Row<T>, NumberRange {
  kind: 'number';
  unit?: Unit;
}

export interface ChoiceSetting<T extends number = number> extends Row<T> {
  kind: 'choice';
  values: readonly T[];
  /** The allowed values, for messages: `0 (off), 1 or 2`. */
  allowed: string;
}

export interface ToggleSetting extends Row<boolean> {
  kind: 'toggle';
}

/** A list of names from `values`; a name may be repeated. */
export interface NamesSetting<T extends string = string> extends Row<T[]> {
  kind: 'names';
  values: readonly T[];
  /** Other spellings, with `_` between words. */
  spellings: Readonly<Record<string, T>>;
  maxCount: number;
}

/** A list of texts to search for: not empty, and without lone surrogates. */
export interface TextsSetting extends Row<string[]> {
  kind: 'texts';
  maxCount: number;
  /** Per text, in UTF-16 units. */
  maxLength: number;
  /** Whether the command line replaces the escapes `\n`, `\t`, `\r` and `\\`, as these are hard to type in a shell. */
  escapes?: true;
}

/** `[token id, bias]`. The loaded model's vocabulary further limits ids and count. */
export interface TokenBiasesSetting extends Row<[number, number][]> {
  kind: 'token_biases';
  maxCount: number;
  /** Largest bias in either direction, in logits. */
  maxBias: number;
}

/** `[text, bias]`; the texts as in `TextsSetting`. */
export interface TextBiasesSetting extends Row<[string, number][]> {
  kind: 'text_biases';
  maxCount: number;
  maxLength: number;
  maxBias: number;
}

/** A rule for the whole reply: GBNF as in llama.cpp, or a JSON schema as JSON text. */
export type GrammarSource = { kind: 'gbnf'; source: string } | { kind: 'json_schema'; source: string };

export interface GrammarSetting extends Row<GrammarSource | null> {
  kind: 'grammar';
  /** Of the source, in UTF-16 units. */
  maxLength: number;
}

export type Setting =
  | NumberSetting
  | ChoiceSetting
  | ToggleSetting
  | NamesSetting
  | TextsSetting
  | TokenBiasesSetting
  | TextBiasesSetting
  | GrammarSetting;

export type SettingTable = Readonly<Record<string, Setting>>;

/** The values of a table's settings. */
export type ValuesOf<T extends SettingTable> = { -readonly [K in keyof T]: T[K]['default'] };

/** The fields of a row except its kind, help and names. */
type Values<S, Given extends string = never> = Omit<S, keyof Names | 'kind' | 'help' | Given>;
type Range = Values<NumberSetting, 'integer' | 'default'>;

export function number(help: string, range: Range & { default: number }, called: Names): NumberSetting<number> {
  return { kind: 'number', integer: false, help, ...range, ...called };
}

export function integer(help: string, range: Range & { default: number }, called: Names): NumberSetting<number> {
  return { kind: 'number', integer: true, help, ...range, ...called };
}

/** Null unless set. */
export function optionalNumber(help: string, range: Range, called: Names): NumberSetting {
  return { kind: 'number', integer: false, default: null, help, ...range, ...called };
}

/** Null unless set. */
export function optionalInteger(help: string, range: Range, called: Names): NumberSetting {
  return { kind: 'number', integer: true, default: null, help, ...range, ...called };
}

export function choice<T extends number>(help: string, values: Values<ChoiceSetting<T>>, called: Names) {
  return { kind: 'choice', help, ...values, ...called } as ChoiceSetting<T>;
}

export function toggle(help: string, values: Values<ToggleSetting>, called: Names): ToggleSetting {
  return { kind: 'toggle', help, ...values, ...called };
}

export function names<T extends string>(help: string, values: Values<NamesSetting<T>>, called: Names) {
  return { kind: 'names', help, ...values, ...called } as NamesSetting<T>;
}

export function texts(help: string, values: Values<TextsSetting>, called: Names): TextsSetting {
  return { kind: 'texts', help, ...values, ...called };
}

export function tokenBiases(help: string, values: Values<TokenBiasesSetting>, called: Names): TokenBiasesSetting {
  return { kind: 'token_biases', help, ...values, ...called };
}

export function textBiases(help: string, values: Values<TextBiasesSetting>, called: Names): TextBiasesSetting {
  return { kind: 'text_biases', help, ...values, ...called };
}

export function grammar(help: string, values: Values<GrammarSetting>, called: Names): GrammarSetting {
  return { kind: 'grammar', help, ...values, ...called };
}

/** All settings at their defaults, with lists copied for the caller. */
export function defaultsOf<T extends SettingTable>(table: T): ValuesOf<T> {
  const entries = Object.entries(table).map(([key, row]) => [key, copy(row.default)]);
  return Object.fromEntries(entries) as ValuesOf<T>;
}

function copy(value: Setting['default']): Setting['default'] {
  // No default is nested deeper: biases and grammar are empty.
  return Array.isArray(value) ? ([...value] as typeof value) : value;
}

/** Whether a number is allowed; NaN is not. */
export function inRange({ min, max, integer }: NumberRange, value: number): boolean {
  return value >= min && value <= max && (!integer || Number.isInteger(value));
}

/** `a whole number from 0 to 5`. */
export function rangeText({ min, max, integer }: NumberRange): string {
  return `${integer ? 'a whole number' : 'a number'} from ${min} to ${max}`;
}

/** Whether a text has no lone surrogates. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/** The name for one of its spellings, for example with `-` between words. */
export function namedBy<T extends string>({ values, spellings }: NamesSetting<T>, written: string): T | undefined {
  const name = written.trim().replaceAll('-', '_');
  return Object.hasOwn(spellings, name) ? spellings[name] : values.find((value) => value === name);
}
