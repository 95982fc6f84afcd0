import type { Limits } from './jinja/budget.ts';

/**
 * What a template may use for a chat of so many characters. Real templates take some hundred steps a message and write
 * each message a few times; these limits are far above that, and are reached well within a second.
 */
export function templateLimits(characters: number, messages: number): Limits {
  return { steps: 500_000 + 2000 * messages, characters: 16 * 2 ** 20 + 32 * characters, depth: 300 };
}
