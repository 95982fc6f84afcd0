import { expect, test } from 'vitest';
import type { StoredComparison } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import {
  laneReply,
  laneSettings,
  storedComparison,
} from '../../../../src-main/protocol/app/comparisons/test-support/comparisons.ts';
import { layOut } from './draw-comparison.ts';
import { Pen, type Context } from '../../../lib/drawing/pen.ts';

/** Of the tint behind a token, px. */
const TOKEN_HEIGHT = 20;

interface DrawnText {
  text: string;
  x: number;
  y: number;
  colour: unknown;
}

/** Records what is drawn. Every character is 6 px wide; colours are the properties' names. */
function recorder() {
  const texts: DrawnText[] = [];
  const boxes: { x: number; y: number; width: number; height: number; colour: unknown }[] = [];
  const lines: { colour: unknown; dash: readonly number[] }[] = [];
  let dash: readonly number[] = [];
  let box = { x: 0, y: 0, width: 0, height: 0 };
  const context = {
    direction: 'ltr',
    fillStyle: '',
    font: '',
    lineWidth: 1,
    strokeStyle: '',
    textAlign: 'left',
    textBaseline: 'middle',
    beginPath: () => undefined,
    fill: () => void boxes.push({ ...box, colour: context.fillStyle }),
    fillRect: () => undefined,
    fillText: (text: string, x: number, y: number) => void texts.push({ text, x, y, colour: context.fillStyle }),
    lineTo: () => undefined,
    measureText: (text: string) => ({ width: text.length * 6 }) as TextMetrics,
    moveTo: () => undefined,
    roundRect: (x: number, y: number, width: number, height: number) => void (box = { x, y, width, height }),
    setLineDash: (next: number[]) => void (dash = next),
    stroke: () => void lines.push({ colour: context.strokeStyle, dash }),
  } as unknown as Context;
  return { pen: new Pen(context, (property) => property), texts, boxes, lines };
}

function drawn(comparison: StoredComparison) {
  const { pen, texts, boxes, lines } = recorder();
  const layout = layOut(comparison, pen);
  layout.draw(pen);
  return { ...layout, texts, boxes, lines };
}

test('prompt, lanes, metrics and chart are drawn', () => {
  const { texts, boxes, width, height } = drawn(storedComparison());
  const all = texts.map(({ text }) => text).join('\n');
  for (const text of ['The cat', 'Greedy', 'Temperature 1.5', 'Reached the 5-token limit', 'Surprisal per token']) {
    expect(all).toContain(text);
  }
  expect(all).toMatch(/5 tokens · seed 7\n123\stok\/s in this lane\n/);
  expect(all).toMatch(/seed 7 · sample 1 of 2/);
  expect(all).toContain('Distinct-1 1.00 · distinct-2 1.00');
  // Only what differs from the first lane is tinted; the shared start is quiet.
  const tints = boxes.filter(({ colour, height }) => String(colour).startsWith('--prob-') && height === TOKEN_HEIGHT);
  expect(tints.map(({ colour }) => colour)).toContain('--prob-7');
  const shared = texts.filter(({ text, colour }) => text === 'there' && colour === '--text-3');
  expect(shared).toHaveLength(1);
  for (const { text, x, y } of texts) {
    expect(x, text).toBeGreaterThanOrEqual(0);
    expect(x, text).toBeLessThan(width);
    expect(y, text).toBeLessThan(height);
  }
});

test('tokens that were unlikely are underlined, and a legend explains the tints', () => {
  const run = storedComparison();
  const [reply] = run.lanes[0]!.replies;
  reply!.tokens.logprobs = [0.04, 0.4, 0.6, 0.995, 1].map(Math.log);
  run.lanes[1]!.replies = [];
  const { texts, boxes, lines } = drawn(run);
  const underlines = lines.filter(({ colour }) => String(colour).startsWith('--prob-line-'));
  expect(underlines).toEqual([
    { colour: '--prob-line-0', dash: [] },
    { colour: '--prob-line-2', dash: [1.5, 2] },
  ]);
  const said = texts.map(({ text }) => text);
  expect(said.indexOf('sure')).toBe(said.indexOf('unsure') + 1);
  const swatches = boxes.filter(({ colour, height }) => String(colour).startsWith('--prob-') && height < TOKEN_HEIGHT);
  expect(swatches.map(({ colour }) => colour)).toEqual(Array.from({ length: 11 }, (_, step) => `--prob-${step}`));
});

test.each([
  [2, ['0', '4']],
  [26, ['0', '8', '16', '24', '32']],
])('the axis of the chart ends with a number: %i bits', (bits, numbers) => {
  const run = storedComparison();
  for (const { replies } of run.lanes) {
    for (const { tokens } of replies) tokens.logprobs = tokens.ids.map(() => -bits * Math.LN2);
  }
  const { texts } = drawn(run);
  const title = texts.findIndex(({ text }) => text === 'Surprisal per token');
  const [ofAxis, ...others] = texts.slice(title).filter(({ text }) => /^\d+$/u.test(text));
  expect([ofAxis!, ...others.filter(({ x }) => x === ofAxis!.x)].map(({ text }) => text)).toEqual(numbers);
});

test('a run without a title starts with its prompt, and five lanes fill two rows evenly', () => {
  const run = storedComparison({ title: '' });
  run.lanes = Array.from({ length: 5 }, () => run.lanes[0]!);
  const { texts, width, boxes } = drawn(run);
  expect(texts[0]?.text).toBe('Once');
  expect(width).toBe(2 * 24 + 3 * 320 + 2 * 24);
  const badges = boxes.filter(({ width: side, height }) => side === 20 && height === 20);
  expect(new Set(badges.map(({ x }) => x)).size).toBe(3);
});

test('eight lanes take two rows and never overlap', () => {
  const run = storedComparison();
  run.lanes = Array.from({ length: 8 }, (_, index) => ({
    settings: laneSettings(`Lane ${index}`),
    replies: [laneReply(Array.from({ length: 20 * (index + 1) }, (_, token) => ` word${token}`))],
  }));
  const { texts, width, boxes } = drawn(run);
  expect(width).toBe(2 * 24 + 4 * 320 + 3 * 24);
  const badges = boxes.filter(({ width: side, height }) => side === 20 && height === 20);
  expect(new Set(badges.map(({ y }) => y)).size).toBe(2);
  // The last word of lane D, the longest of the first row.
  const firstRowEnd = texts.find(({ text }) => text === 'word79')?.y ?? Infinity;
  expect(firstRowEnd).toBeLessThan(Math.max(...badges.map(({ y }) => y)));
});

test('long texts are cut so that the picture stays within what browsers can draw', () => {
  const run = storedComparison({ title: 'long '.repeat(100), prompt: { kind: 'text', text: 'line\n'.repeat(100) } });
  run.lanes = Array.from({ length: 8 }, () => ({
    settings: laneSettings('Label '.repeat(30)),
    replies: [laneReply(Array.from({ length: 3000 }, () => ' word'))],
  }));
  const { height, texts } = drawn(run);
  expect(height).toBeLessThanOrEqual(8000);
  expect(height).toBeGreaterThan(6000);
  expect(texts.map(({ text }) => text)).toContain('… 88 more lines');
});

test('an empty lane and a right-to-left text are drawn', () => {
  const run = storedComparison();
  run.lanes[0]!.replies = [];
  run.lanes[1]!.replies = [laneReply(['مر', 'حبا', ' بك'])];
  const { texts } = drawn(run);
  expect(texts.map(({ text }) => text)).toEqual(expect.arrayContaining(['No reply', 'مرحبا بك']));
});
