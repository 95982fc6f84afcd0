/** The settings of a generation besides sampling: stop conditions and what is reported. */
import { integer, optionalInteger, optionalNumber, texts, toggle, type ValuesOf } from './setting.ts';

const MAX_INT32 = 2 ** 31 - 1;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Stop conditions. The first one that is met is reported. */
export const STOP_SETTINGS = {
  /** Counts generated tokens only. */
  maxTokens: integer(
    'generate at most n tokens',
    { default: 256, min: 0, max: MAX_INT32, unit: 'tokens' },
    { label: 'Token limit', flag: '--max-tokens <n>', aliases: ['--predict', '--n-predict'] },
  ),
  /** Never shown; also found across token boundaries. */
  stopStrings: texts(
    'stop before this text, where \\n is a line feed and \\t a tab; repeatable',
    { default: [], maxCount: 64, maxLength: 1024, escapes: true },
    { label: 'Stop strings', flag: '--stop <text>' },
  ),
  /** Null for the model's default. */
  repetitionWindow: optionalInteger(
    "stop when the last n tokens repeat the n before them; 0 = off (default: the model's recommendation)",
    { min: 0, max: MAX_INT32, unit: 'tokens' },
    { label: 'Repetition window', flag: '--repetition <n>' },
  ),
  /** From the start of the request, including prefill; null for none. */
  timeLimitMs: optionalNumber(
    'stop after this time',
    { min: 0, max: DAY_MS, unit: 'ms' },
    { label: 'Time limit', flag: '--time-limit <seconds>' },
  ),
  /** Masks the end-of-generation tokens. */
  ignoreEos: toggle(
    'ignore end tokens and keep generating',
    { default: false },
    { label: 'Ignore the end token', flag: '--ignore-eos' },
  ),
};

export type StopParams = ValuesOf<typeof STOP_SETTINGS>;

/** How many of the most probable candidates are reported per token. */
export const TOP_CANDIDATES = { default: 0, min: 0, max: 100, integer: true };
