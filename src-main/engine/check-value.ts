/** Checks of single values. Every refusal names the field, the value and what is allowed. */
import { EngineError } from './api/errors.ts';
import {
  inRange,
  isWellFormed,
  rangeText,
  type GrammarSource,
  type NumberRange,
  type Setting,
} from './settings/setting.ts';

/**
 * @param vocabularySize the loaded model's, for settings that name token ids
 * @throws EngineError BAD_REQUEST
 */
export function checkSetting(field: string, row: Setting, value: unknown, vocabularySize: number): void {
  switch (row.kind) {
    case 'number':
      if (row.default !== null || value !== null) checkNumber(field, value, row);
      return;
    case 'choice':
      if (!(row.values as readonly unknown[]).includes(value)) refuse(field, value, row.allowed);
      return;
    case 'toggle':
      return checkBoolean(field, value);
    case 'names':
      return checkEach(field, value, row.maxCount, (name, place) => {
        if (!(row.values as readonly unknown[]).includes(name)) refuse(place, name, `one of ${row.values.join(', ')}`);
      });
    case 'texts':
      return checkEach(field, value, row.maxCount, (text, place) => checkFound(place, text, row.maxLength));
    case 'token_biases':
      return checkEach(field, value, Math.min(row.maxCount, vocabularySize), (entry, place) => {
        const [id, bias] = pair(place, entry);
        checkInteger(`${place}[0]`, id, 0, vocabularySize - 1);
        checkNumber(`${place}[1]`, bias, { min: -row.maxBias, max: row.maxBias, integer: false });
      });
    case 'text_biases':
      return checkEach(field, value, row.maxCount, (entry, place) => {
        const [text, bias] = pair(place, entry);
        checkFound(`${place}[0]`, text, row.maxLength);
        checkNumber(`${place}[1]`, bias, { min: -row.maxBias, max: row.maxBias, integer: false });
      });
    case 'grammar':
      if (value !== null) checkGrammar(field, value, row.maxLength);
  }
}

/** Whether `checkSetting` accepts it. */
export function isValidSetting(row: Setting, value: unknown, vocabularySize: number): boolean {
  try {
    checkSetting('', row, value, vocabularySize);
    return true;
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}

/** @throws EngineError BAD_REQUEST */
export function checkNumber(field: string, value: unknown, range: NumberRange): void {
  if (typeof value !== 'number' || !inRange(range, value)) {
    refuse(field, value, rangeText(range), { min: range.min, max: range.max });
  }
}

/** @throws EngineError BAD_REQUEST */
export function checkInteger(field: string, value: unknown, min: number, max: number): void {
  checkNumber(field, value, { min, max, integer: true });
}

/** @throws EngineError BAD_REQUEST */
export function checkBoolean(field: string, value: unknown): void {
  if (typeof value !== 'boolean') refuse(field, value, 'true or false');
}

/** @throws EngineError BAD_REQUEST */
export function checkText(field: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') refuse(field, value, 'a string');
}

/** Checks a name that a host may use as a file name. @throws EngineError BAD_REQUEST */
export function checkName(field: string, value: unknown): void {
  checkText(field, value);
  if (!/^[\w-]{1,64}$/.test(value)) refuse(field, value, '1 to 64 letters, digits, _ and -');
}

/** @throws EngineError BAD_REQUEST */
export function checkCount(field: string, values: unknown, min: number, max: number): asserts values is unknown[] {
  if (!Array.isArray(values)) refuse(field, values, 'a list');
  if (values.length < min || values.length > max) {
    refuse(field, `${values.length} entries long`, `a list of ${min} to ${max} entries`, { min, max });
  }
}

function checkEach(list: string, values: unknown, max: number, check: (value: unknown, field: string) => void): void {
  checkCount(list, values, 0, max);
  values.forEach((value, i) => check(value, `${list}[${i}]`));
}

/** Checks a text that is searched for in the reply. */
function checkFound(field: string, value: unknown, maxLength: number): void {
  checkText(field, value);
  if (value.length === 0 || value.length > maxLength) {
    refuse(field, `${value.length} characters long`, `1 to ${maxLength} characters long`);
  }
  if (!isWellFormed(value)) refuse(field, 'not valid Unicode', 'well-formed text');
}

/** Checks a grammar's size; compiling it finds errors in it. */
function checkGrammar(field: string, value: unknown, maxLength: number): void {
  const { kind, source } = value as Partial<GrammarSource>;
  if (kind !== 'gbnf' && kind !== 'json_schema') refuse(`${field}.kind`, kind, 'gbnf or json_schema');
  checkText(`${field}.source`, source);
  if (source.length > maxLength) {
    refuse(`${field}.source`, `${source.length} characters long`, `at most ${maxLength} characters long`);
  }
}

function pair(field: string, value: unknown): [unknown, unknown] {
  if (!Array.isArray(value) || value.length !== 2) refuse(field, value, 'a pair');
  return [value[0], value[1]];
}

/** @throws EngineError BAD_REQUEST, always */
export function refuse(
  field: string,
  value: unknown,
  allowed: string,
  range: { min?: number; max?: number } = {},
): never {
  const shown = String(value).slice(0, 60);
  throw new EngineError('BAD_REQUEST', `${field} is ${shown}, but must be ${allowed}.`, {
    field,
    value: shown,
    ...range,
  });
}
