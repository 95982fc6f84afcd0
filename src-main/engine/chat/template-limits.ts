import type { Limits } from './jinja/budget.ts';

/**
 * Limits of a template by the size of the chat. Real templates take about a hundred steps per message and write each
 * message a few times; these limits are far above that, and are reached well within a second.
 */
export function templateLimits(characters: number, messages: number): Limits {
  return { steps: 500_000 + 2000 * messages, characters: 16 * 2 ** 20 + 32 * characters, depth: 300 };
}
