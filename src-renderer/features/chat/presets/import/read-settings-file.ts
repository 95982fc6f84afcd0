import { EngineError } from '../../../../../src-main/engine/api/errors.ts';
import {
  isSavedItemsFile,
  readSavedItems,
  type SavedItem,
} from '../../../../../src-main/protocol/app/presets/saved-items.ts';
import { isRecord } from '../../../../../src-main/protocol/is-record.ts';
import { isLlamaCommand, llamaSettingsIn, readLlamaCommand, readLlamaJson } from './llama-cpp.ts';
import { isLmStudioPreset, readLmStudioPreset } from './lm-studio.ts';
import { isModelfile, readModelfile } from './ollama.ts';
import type { MappedSettings } from './settings-mapper.ts';

/** The program whose file was read. */
export type SettingsProgram = 'LM Studio' | 'llama.cpp' | 'Ollama';

export type ReadSettings =
  /** `unknown`: entries that this version cannot read. */
  | { kind: 'own'; items: SavedItem[]; unknown: number }
  | { kind: 'other'; program: SettingsProgram; settings: MappedSettings };

/** Bytes. A file of settings is a few kilobytes; one with system prompts may be larger. */
export const MAX_SETTINGS_FILE = 8 * 1024 * 1024;

/**
 * Reads a settings file of Tokenscope, LM Studio, llama.cpp or Ollama.
 * @throws EngineError BAD_REQUEST
 */
export function readSettingsFile(text: string, fileName: string): ReadSettings {
  const name = nameOf(fileName);
  const value = jsonOf(text);
  if (isSavedItemsFile(value)) {
    const { items, unknown } = readSavedItems(value);
    return { kind: 'own', items, unknown: unknown.length };
  }
  if (isRecord(value)) {
    if (isLmStudioPreset(value)) return other('LM Studio', readLmStudioPreset(value, name));
    const settings = llamaSettingsIn(value);
    if (settings !== null) return other('llama.cpp', readLlamaJson(settings, name));
  } else if (value === undefined) {
    if (isModelfile(text)) return other('Ollama', readModelfile(text, name));
    if (isLlamaCommand(text)) return other('llama.cpp', readLlamaCommand(text, name));
  }
  throw new EngineError(
    'BAD_REQUEST',
    `${fileName} has no settings that Tokenscope knows. It reads its own presets, LM Studio’s presets, llama.cpp’s command lines and JSON, and Ollama’s Modelfiles.`,
  );
}

function other(program: SettingsProgram, settings: MappedSettings): ReadSettings {
  const { sampling, stop, systemPrompt } = settings;
  if (Object.keys({ ...sampling, ...stop }).length === 0 && systemPrompt === null) {
    throw new EngineError('BAD_REQUEST', `This ${program} file sets nothing that Tokenscope has.`);
  }
  return { kind: 'other', program, settings };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, '')) as unknown;
  } catch {
    // Not JSON: perhaps a Modelfile or a command line.
    return undefined;
  }
}

function nameOf(fileName: string): string {
  const base = fileName.replace(/(?:\.preset)?\.(?:json|txt|sh|modelfile)$/i, '').trim();
  return base === '' ? 'Imported' : base;
}
