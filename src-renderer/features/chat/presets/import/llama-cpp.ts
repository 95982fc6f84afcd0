/** llama.cpp: a command line of its programs, or JSON of llama-server (`/completion`, `/props`, the web page's settings). */
import { STOP_SETTINGS } from '../../../../../src-main/engine/settings/generation.ts';
import {
  DEFAULT_SAMPLER_ORDER,
  isAdaptive,
  SAMPLING_SETTINGS,
} from '../../../../../src-main/engine/settings/sampling.ts';
import { namedBy, type Setting } from '../../../../../src-main/engine/settings/setting.ts';
import { isRecord } from '../../../../../src-main/protocol/is-record.ts';
import { LLAMA_FLAGS, LLAMA_KEYS } from './llama-names.ts';
import { numberOf, SettingsMapper, WHY, type MappedSettings, type SettingKey } from './settings-mapper.ts';

type Json = Readonly<Record<string, unknown>>;

/** llama.cpp's letters for stages. */
const LETTERS: ReadonlyMap<string, string> = new Map([
  ...[...'edskypmxt'].map((letter, i) => [letter, DEFAULT_SAMPLER_ORDER[i] ?? letter] as const),
  ['i', 'infill'],
  ['a', 'adaptive_p'],
]);

const LOAD_FLAGS = ['-m', '--model', '-c', '--ctx-size', '-ngl', '--n-gpu-layers', '-t', '--threads', '-b', '-ub'];
const LOAD = new Set([...LOAD_FLAGS, '-fa', '--flash-attn', '-ctk', '-ctv', '--mlock', '--no-mmap', '-hf', 'n_ctx']);
const REQUEST = new Set(['prompt', 'messages', 'stream', 'cache_prompt', 'n_probs', 'id_slot', 'model', 'n_keep']);
const TEMPLATE = new Set(['--jinja', '--chat-template', '--chat-template-file', 'chat_format', 'generation_prompt']);

export function isLlamaCommand(text: string): boolean {
  return /(?:^|\s)(?:\S*llama-\S+\s+\S|--?[a-z][a-z-]*(?:\s|=|$))/m.test(text);
}

export function readLlamaCommand(text: string, name: string): MappedSettings {
  const mapper = new SettingsMapper();
  const words = wordsOf(text);
  const asText = words.includes('--no-escape') ? (given: string) => given : unescaped;
  // The first word may be the program.
  for (let at = isFlag(words[0] ?? '') ? 0 : 1; at < words.length; at++) {
    const [flag = '', joined] = splitOnce(words[at] ?? '');
    const key = LLAMA_FLAGS.get(flag);
    const isToggle = key !== undefined && rowOf(key).kind === 'toggle';
    const next = words[at + 1];
    const value = joined ?? (isToggle || next === undefined || isFlag(next) ? undefined : next);
    if (value !== undefined && joined === undefined) at++;
    option(mapper, flag, key, value, asText);
  }
  mapper.dropUnnamedAdaptive('--adaptive-target');
  return mapper.result(name);
}

function option(
  mapper: SettingsMapper,
  flag: string,
  key: SettingKey | undefined,
  value: string | undefined,
  asText: (given: string) => string,
): void {
  const text = value ?? '';
  switch (flag) {
    case '--samplers':
      return mapper.takeSamplers(flag, text.split(/[;,]/));
    case '--sampling-seq':
    case '--sampler-seq':
      return mapper.takeSamplers(flag, namesOfLetters(text));
    case '-sys':
    case '--system-prompt':
      return mapper.takeSystemPrompt(flag, text);
    case '-r':
    case '--reverse-prompt':
      return mapper.add(flag, 'stopStrings', asText(text));
    case '--dry-sequence-breaker':
      return text === 'none'
        ? mapper.take(flag, 'drySequenceBreakers', [])
        : mapper.add(flag, 'drySequenceBreakers', asText(text));
    case '-e':
    case '--escape':
    case '--no-escape':
      return;
    case '--grammar':
      return mapper.takeGrammar(flag, { kind: 'gbnf', source: text });
    case '-j':
    case '--json-schema':
      return mapper.takeGrammar(flag, { kind: 'json_schema', source: text });
    case '--grammar-file':
    case '-jf':
    case '--json-schema-file':
      return mapper.skip(flag, text, WHY.file);
    case '-l':
    case '--logit-bias':
      return mapper.skip(flag, text, WHY.vocabulary);
  }
  if (key === undefined) mapper.skip(flag, value, whyNot(flag));
  else mapper.take(flag, key, rowOf(key).kind === 'toggle' ? true : numberOf(text));
}

/** The part of a JSON document with the settings; null if it has none. */
export function llamaSettingsIn(value: Json): Json | null {
  const { default_generation_settings: defaults, params } = value;
  if (isRecord(defaults)) return llamaSettingsIn(defaults) ?? defaults;
  if (isRecord(params)) return params;
  return Object.keys(value).some((key) => Object.hasOwn(LLAMA_KEYS, key)) ? value : null;
}

export function readLlamaJson(settings: Json, name: string): MappedSettings {
  const mapper = new SettingsMapper();
  for (const [key, value] of Object.entries(settings)) field(mapper, key, value);
  mapper.dropUnnamedAdaptive('adaptive_target');
  return mapper.result(name);
}

function field(mapper: SettingsMapper, key: string, value: unknown): void {
  // The web page stores an empty text where the server's default applies.
  if (value === null || value === '') return;
  const known = Object.hasOwn(LLAMA_KEYS, key) ? LLAMA_KEYS[key] : undefined;
  if (known !== undefined) return mapper.take(key, known, value);
  switch (key) {
    case 'stop':
      return mapper.take(key, 'stopStrings', Array.isArray(value) ? value : [value]);
    case 't_max_predict_ms':
      return mapper.take(key, 'timeLimitMs', typeof value === 'number' && value <= 0 ? null : value);
    case 'samplers':
      return mapper.takeSamplers(key, Array.isArray(value) ? value.map(String) : samplersIn(String(value)));
    case 'systemMessage':
      return mapper.takeSystemPrompt(key, String(value));
    case 'grammar':
      if (typeof value === 'string') return mapper.takeGrammar(key, { kind: 'gbnf', source: value });
      break;
    case 'json_schema':
      if (isRecord(value) && Object.keys(value).length === 0) return;
      return mapper.takeGrammar(key, { kind: 'json_schema', source: JSON.stringify(value, null, 2) });
    case 'logit_bias':
      if (Array.isArray(value) && value.length === 0) return;
      return mapper.skip(key, value, WHY.vocabulary);
  }
  mapper.skip(key, value, whyNot(key));
}

function namesOfLetters(letters: string): string[] {
  return [...letters].map((letter) => LETTERS.get(letter) ?? letter);
}

/** The server reads a text as letters; its web page has written both these and names. */
function samplersIn(text: string): string[] {
  const isName =
    /[;,]/.test(text) || isAdaptive(text) || namedBy(SAMPLING_SETTINGS.samplers, text.toLowerCase()) !== undefined;
  return isName ? text.split(/[;,]/) : namesOfLetters(text);
}

function whyNot(key: string): string {
  if (LOAD.has(key)) return WHY.load;
  if (TEMPLATE.has(key)) return WHY.template;
  return REQUEST.has(key) ? WHY.request : WHY.unknown;
}

function rowOf(key: SettingKey): Setting {
  return { ...SAMPLING_SETTINGS, ...STOP_SETTINGS }[key];
}

/** Negative numbers are values. */
function isFlag(word: string): boolean {
  return /^--?[a-z]/i.test(word);
}

function splitOnce(word: string): [string, string | undefined] {
  const at = word.startsWith('--') ? word.indexOf('=') : -1;
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** A text with escapes, which llama.cpp replaces unless told not to. `\xHH` is a byte of UTF-8. */
function unescaped(text: string): string {
  return text.replaceAll(/((?:\\x[0-9A-Fa-f]{2})+)|\\([nrt'"\\])/g, (_, bytes: string | undefined, one: string) =>
    bytes === undefined
      ? (ESCAPES[one] ?? one)
      : new TextDecoder().decode(Uint8Array.from(bytes.split('\\x').slice(1), (hex) => parseInt(hex, 16))),
  );
}

/**
 * Words of a shell command: quotes join, a backslash takes the next character as it is, also a line end. Comments are left
 * out.
 */
function wordsOf(text: string): string[] {
  const found = text.matchAll(/(?<!\S)#[^\n]*|\\\r?\n|((?:"(?:\\[^]|[^"\\])*"|'[^']*'|\\[^]|[^\s"'\\])+)/g);
  return [...found]
    .map(([, word = '']) =>
      word.replaceAll(/"((?:\\[^]|[^"\\])*)"|'([^']*)'|\\([^])/g, (_, double?: string, single?: string, one?: string) =>
        double === undefined ? (single ?? (one === '\n' ? '' : (one ?? ''))) : double.replaceAll(/\\(["\\$`])/g, '$1'),
      ),
    )
    .filter((word) => word !== '');
}
