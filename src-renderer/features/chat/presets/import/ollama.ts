/** Ollama's Modelfile: `INSTRUCTION arguments`, one a line, with long texts in three quotes. */
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
  for (const { instruction, rest } of instructionsOf(text)) {
    if (instruction === 'SYSTEM') mapper.takeSystemPrompt(instruction, unquoted(rest));
    else if (instruction === 'PARAMETER') parameter(mapper, rest);
    else mapper.skip(instruction, unquoted(rest), INSTRUCTIONS[instruction] ?? WHY.unknown);
  }
  return mapper.result(name);
}

function parameter(mapper: SettingsMapper, rest: string): void {
  const [, key = '', typed = ''] = /^(\S+)\s*([^]*)$/.exec(rest) ?? [];
  const value = unquoted(typed);
  const known = Object.hasOwn(PARAMETERS, key.toLowerCase()) ? PARAMETERS[key.toLowerCase()] : undefined;
  if (key === 'stop') mapper.add(key, 'stopStrings', value);
  else if (known !== undefined) mapper.take(key, known, numberOf(value));
  else mapper.skip(key, value, LOAD.includes(key) ? WHY.load : WHY.unknown);
}

function* instructionsOf(text: string): Generator<{ instruction: string; rest: string }> {
  // Three quotes may span lines; everything else ends with its line.
  const pattern = /^[ \t]*([A-Za-z]+)[ \t]+((?:[^\n"]|"(?!"")|"""[^]*?(?:"""|$(?![^])))*)/gm;
  for (const [, instruction = '', rest = ''] of withoutComments(text).matchAll(pattern)) {
    yield { instruction: instruction.toUpperCase(), rest: rest.trim() };
  }
}

/** A comment fills its line. Lines of long texts are not comments. */
function withoutComments(text: string): string {
  let isInText = false;
  const lines = text.split(/\r?\n/).filter((line) => {
    const isComment = !isInText && line.trimStart().startsWith('#');
    if (!isComment && line.split('"""').length % 2 === 0) isInText = !isInText;
    return !isComment;
  });
  return lines.join('\n');
}

function unquoted(text: string): string {
  const long = /^"""([^]*?)(?:""")?$/.exec(text);
  if (long !== null) return (long[1] ?? '').trim();
  return /^"([^]*)"$/.exec(text)?.[1] ?? text;
}
