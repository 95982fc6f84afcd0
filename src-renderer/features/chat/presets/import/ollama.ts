/** Ollama's Modelfile: `INSTRUCTION arguments`, one a line, with longer texts in quotes. */
import { LLAMA_KEYS } from './llama-names.ts';
import { numberOf, SettingsMapper, WHY, type MappedSettings, type SettingKey } from './settings-mapper.ts';

/** llama.cpp's, but for this one. */
const PARAMETERS: Readonly<Record<string, SettingKey>> = { ...LLAMA_KEYS, num_predict: 'maxTokens' };

const LOAD = ['num_ctx', 'num_gpu', 'num_thread', 'num_batch', 'main_gpu', 'use_mmap', 'use_mlock', 'low_vram', 'numa'];

const INSTRUCTIONS: Readonly<Record<string, string>> = {
  FROM: 'Tokenscope uses the loaded model.',
  ADAPTER: WHY.file,
  TEMPLATE: 'It is a template in Go. Tokenscope reads Jinja.',
  LICENSE: 'It is not a setting.',
  MESSAGE: 'It is the beginning of a chat.',
};

export function isModelfile(text: string): boolean {
  return /^[ \t]*(?:FROM|PARAMETER|SYSTEM)[ \t]+\S/im.test(text);
}

export function readModelfile(text: string, name: string): MappedSettings {
  const mapper = new SettingsMapper();
  for (const { instruction, key, value } of instructionsOf(text)) {
    // Authors put the quotes on lines of their own.
    if (instruction === 'SYSTEM') mapper.takeSystemPrompt(instruction, value.trim());
    else if (instruction === 'PARAMETER') parameter(mapper, key, value);
    else mapper.skip(instruction, `${key} ${value}`, INSTRUCTIONS[instruction] ?? WHY.unknown);
  }
  return mapper.result(name);
}

function parameter(mapper: SettingsMapper, key: string, value: string): void {
  const known = Object.hasOwn(PARAMETERS, key.toLowerCase()) ? PARAMETERS[key.toLowerCase()] : undefined;
  if (key === 'stop') mapper.add(key, 'stopStrings', value);
  else if (known !== undefined) mapper.take(key, known, numberOf(value));
  else mapper.skip(key, value, LOAD.includes(key) ? WHY.load : WHY.unknown);
}

interface Instruction {
  /** In capitals. */
  instruction: string;
  /** Of a parameter, or the role of a message. */
  key: string;
  value: string;
}

/** As in Ollama, an instruction ends with its line, or, if its value begins with quotes, with the next line that ends with them. */
function* instructionsOf(text: string): Generator<Instruction> {
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at++) {
    const [, name = '', rest = ''] = /^[ \t]*([A-Za-z]+)[ \t]+([^]*)$/.exec(lines[at] ?? '') ?? [];
    if (name === '') continue;
    const instruction = name.toUpperCase();
    const hasKey = instruction === 'PARAMETER' || instruction === 'MESSAGE';
    const key = hasKey ? (/^\S*/.exec(rest)?.[0] ?? '') : '';
    const first = rest.slice(key.length).trim();
    const end = endOf(lines, at, first);
    const value = [first, ...lines.slice(at + 1, end + 1)].join('\n').trimEnd();
    yield { instruction, key, value: unquoted(value) };
    at = end;
  }
}

/** The last line of a value that begins in line `at`. Without closing quotes, the last line of the file. */
function endOf(lines: readonly string[], at: number, first: string): number {
  const quote = quoteOf(first);
  if (isClosed(first, quote)) return at;
  const isEnd = (line: string) => line.trimEnd().endsWith(quote);
  let end = at + 1;
  while (end < lines.length - 1 && !isEnd(lines[end] ?? '')) end++;
  return end;
}

/** What a value is quoted with; empty if it is not. */
function quoteOf(value: string): string {
  return /^"(?:"")?/.exec(value)?.[0] ?? '';
}

function isClosed(value: string, quote: string): boolean {
  return value.length >= 2 * quote.length && value.endsWith(quote);
}

function unquoted(value: string): string {
  const quote = quoteOf(value);
  return value.slice(quote.length, isClosed(value, quote) ? value.length - quote.length : undefined);
}
