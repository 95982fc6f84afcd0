import type { GrammarSource, SamplingParams, StopParams } from '../../../../../src-main/engine/api/types.ts';
import { STOP_SETTINGS } from '../../../../../src-main/engine/settings/generation.ts';
import {
  isAdaptive,
  MAX_SOURCE,
  SAMPLING_SETTINGS,
  type SamplerName,
} from '../../../../../src-main/engine/settings/sampling.ts';
import { namedBy, type Setting } from '../../../../../src-main/engine/settings/setting.ts';
import { MAX_ITEM_NAME } from '../../../../../src-main/protocol/app/presets/saved-items.ts';
import { storedSettings } from '../../../../../src-main/protocol/setting-schemas.ts';
import { cutText, shortened } from '../../../../../src-main/protocol/cut-text.ts';
import { formatInteger } from '../../../../ui/format.ts';

export type SettingKey = keyof SamplingParams | keyof StopParams;
const ROWS: Readonly<Record<SettingKey, Setting>> = { ...SAMPLING_SETTINGS, ...STOP_SETTINGS };

/** A setting of another program that was not taken over, or only with another value. */
export interface Unmapped {
  /** As the file calls it. */
  key: string;
  /** At most `MAX_VALUE` characters of it; empty if it has none. */
  value: string;
  why: string;
}

/** What a settings file of another program says, in this app's terms. */
export interface MappedSettings {
  name: string;
  sampling: Partial<SamplingParams>;
  stop: Partial<StopParams>;
  systemPrompt: string | null;
  unmapped: Unmapped[];
}

/** Shown of an unmapped value, UTF-16 units. */
const MAX_VALUE = 60;
/** llama.cpp's number for a random seed. */
const RANDOM_SEED = 2 ** 32 - 1;

/** Why settings of other programs have no counterpart here. */
export const WHY = {
  unknown: 'Tokenscope has no such setting.',
  load: 'This is set when the model is loaded.',
  context: 'Set this in the Context panel.',
  template: 'Set this in the Prompt panel.',
  vocabulary: 'Token IDs belong to one model.',
  file: 'It refers to another file.',
  request: 'This belongs to one request.',
} as const;

/** Collects settings under this app's names and checks their values against the settings tables. */
export class SettingsMapper {
  #systemPrompt: string | null = null;
  readonly unmapped: Unmapped[] = [];
  readonly #values = new Map<SettingKey, unknown>();
  #namesAdaptive = false;

  /** Takes a value over. One that is out of range becomes the nearest allowed value, which is reported. */
  take(source: string, key: SettingKey, value: unknown): void {
    const given = key === 'seed' ? seedOf(value) : key === 'maxTokens' ? limitOf(value) : value;
    const row = ROWS[key];
    const fitted: unknown = Reflect.get(storedSettings({ [key]: row }, { [key]: given }), key);
    if (fitted === undefined) {
      this.skip(source, value, 'Tokenscope does not accept this value.');
      return;
    }
    if (typeof given === 'number' && fitted !== given) this.skip(source, value, `Changed to ${String(fitted)}.`);
    if (Array.isArray(given) && Array.isArray(fitted) && fitted.length < new Set<unknown>(given).size) {
      this.skip(source, value, 'Tokenscope does not accept some of these texts.');
    }
    this.#values.set(key, fitted);
  }

  /** Adds to a list of texts. */
  add(source: string, key: 'stopStrings' | 'drySequenceBreakers', text: string): void {
    const before = (this.#values.get(key) as string[] | undefined) ?? [];
    this.take(source, key, [...before, text]);
  }

  /** Takes the stages over that exist here, in their order. A list without any is left out: it would turn all of them off. */
  takeSamplers(source: string, names: readonly string[]): void {
    this.#namesAdaptive = names.some(isAdaptive);
    const known = names.flatMap((name): SamplerName[] => {
      if (isAdaptive(name)) return [];
      const stage = namedBy(SAMPLING_SETTINGS.samplers, name.toLowerCase());
      if (stage === undefined && name.trim() !== '') this.skip(source, name, 'There is no such stage.');
      return stage === undefined ? [] : [stage];
    });
    const isEmpty = names.every((name) => name.trim() === '');
    if (known.length > 0 || this.#namesAdaptive || isEmpty) this.take(source, 'samplers', known);
  }

  /** Leaves adaptive-p out unless the list of samplers named it, as llama.cpp does. */
  dropUnnamedAdaptive(source: string): void {
    const target = this.#values.get('adaptiveTarget');
    if (this.#namesAdaptive || typeof target !== 'number' || target < 0) return;
    this.#values.delete('adaptiveTarget');
    this.skip(source, target, 'llama.cpp ignores it unless its list of samplers names adaptive-p.');
  }

  /** A blank one is none. */
  takeSystemPrompt(source: string, text: string): void {
    if (text.length > MAX_SOURCE) {
      this.skip(
        source,
        text,
        `It is too long: ${formatInteger(text.length)} of ${formatInteger(MAX_SOURCE)} characters.`,
      );
    } else this.#systemPrompt = text.trim() === '' ? null : text;
  }

  takeGrammar(source: string, grammar: GrammarSource): void {
    this.take(source, 'grammar', grammar);
  }

  /** Reports a setting that is not taken over. */
  skip(key: string, value: unknown, why: string): void {
    this.unmapped.push({ key, value: shown(value), why });
  }

  result(name: string): MappedSettings {
    const entries = [...this.#values];
    const of = (table: object) => Object.fromEntries(entries.filter(([key]) => Object.hasOwn(table, key)));
    return {
      name: cutText(name, MAX_ITEM_NAME).trim(),
      sampling: of(SAMPLING_SETTINGS) as Partial<SamplingParams>,
      stop: of(STOP_SETTINGS) as Partial<StopParams>,
      systemPrompt: this.#systemPrompt,
      unmapped: this.unmapped,
    };
  }
}

/** Negative seeds, and llama.cpp's default one, are random. */
function seedOf(value: unknown): unknown {
  return typeof value === 'number' && (value < 0 || value === RANDOM_SEED) ? null : value;
}

/** -1 is no limit; Ollama's -2 fills the window. */
function limitOf(value: unknown): unknown {
  return value === -1 || value === -2 ? STOP_SETTINGS.maxTokens.max : value;
}

function shown(value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return shortened(line, MAX_VALUE);
}

/** The number that a text is; the text itself if it is none. */
export function numberOf(text: string): number | string {
  const number = Number(text);
  return text.trim() !== '' && Number.isFinite(number) ? number : text;
}
