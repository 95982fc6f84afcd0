/** The settings of a generation beside sampling: when it ends and what is reported. */
import { integer, optionalInteger, optionalNumber, texts, toggle, type ValuesOf } from './setting.ts';

const MAX_INT32 = 2 ** 31 - 1;
const DAY_MS = 24 * 60 * 60 * 1000;

/** When a reply ends. The first condition that holds is reported. */
export const STOP_SETTINGS = {
  /** Generated ones. */
  maxTokens: integer(
    'generate at most n tokens',
    { default: 256, min: 0, max: MAX_INT32, unit: 'tokens' },
    { label: 'Token limit', flag: '--max-tokens <n>', aliases: ['--predict', '--n-predict'] },
  ),
  /** They are never shown, and are found across token borders. */
  stopStrings: texts(
    'stop before this text; repeatable',
    { default: [], maxCount: 64, maxLength: 1024 },
    { label: 'Stop strings', flag: '--stop <text>' },
  ),
  /** Null: the model's default. */
  repetitionWindow: optionalInteger(
    "stop when the last n tokens repeat the n before them; 0 = off (default: the model's recommendation)",
    { min: 0, max: MAX_INT32, unit: 'tokens' },
    { label: 'Repetition window', flag: '--repetition <n>' },
  ),
  /** From the start of the request, prefill included; null is off. */
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
