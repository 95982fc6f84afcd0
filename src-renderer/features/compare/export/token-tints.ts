/** How tokens are tinted in pictures: by probability, as on screen. */
import { NO_TOKEN } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { TokenColours } from '../../../../src-main/protocol/app/app-services.ts';
import type { LaneReply } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { STYLES, type Pen, type Underline } from '../../../lib/drawing/pen.ts';
import { legendOf } from '../../chat/thread/colour-choices.ts';
import { tintOf, UNKNOWN_MEASURES, type Tint } from '../../chat/thread/tint.ts';

const COLOURS: TokenColours = { by: 'probability', doubtBelow: 1 };

/** As in TokenRun.svelte. */
const UNDERLINES: Readonly<Record<NonNullable<Tint['line']>, Underline>> = {
  dotted: { colour: '--prob-line-2', width: 1.5, dash: [1.5, 2] },
  solid: { colour: '--prob-line-0', width: 2, dash: [] },
};

/** Background and underline of a token; null for a text that no model chose. */
export function tokenTint(
  { tokens }: LaneReply,
  token: number,
): { colour: string; underline: Underline | null } | null {
  if (tokens.ids[token] === NO_TOKEN) return null;
  const tint = tintOf(COLOURS, { ...UNKNOWN_MEASURES, logprob: tokens.logprobs[token] ?? 0 });
  if (tint === null) return null;
  return { colour: `--prob-${tint.step}`, underline: tint.line === null ? null : UNDERLINES[tint.line] };
}

/** Of the legend, px. */
export const LEGEND_WIDTH = 214;
const SWATCH = { width: 12, height: 12 };
const TEXT_SPACE = 48;

/** What the tints mean. @param y top of a line of text */
export function drawLegend(pen: Pen, x: number, y: number, lineHeight: number): void {
  const { steps, from, to } = legendOf(COLOURS);
  const style = { ...STYLES.quiet, lineHeight };
  const first = x + TEXT_SPACE;
  pen.text(from, first - 6, y, style, 'right');
  const top = y + (lineHeight - SWATCH.height) / 2;
  steps.forEach((step, at) =>
    pen.box(first + at * SWATCH.width, top, SWATCH.width - 1, SWATCH.height, `--prob-${step}`, 2),
  );
  pen.text(to, first + steps.length * SWATCH.width + 6, y, style);
}
