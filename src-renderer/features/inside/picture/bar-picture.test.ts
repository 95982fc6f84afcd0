import { expect, it } from 'vitest';
import { barPicture } from './bar-picture.ts';

function picture(bars: { label?: string; value: number; shown?: string }[], chosen?: number) {
  const facts = { name: '', value: '', formula: '' };
  return barPicture({
    ...{ title: '', fileName: '', table: { columns: [], rows: 0, row: () => [] } },
    bars: bars.map((bar) => ({ label: '', facts, ...bar })),
    ...(chosen === undefined ? {} : { chosen }),
  });
}

function textsOf(bars: Parameters<typeof picture>[0], anchor: 'start' | 'end'): string[] {
  const { shapes } = picture(bars).scene;
  return shapes.flatMap((shape) => (shape.kind === 'text' && shape.anchor === anchor ? [shape.text] : []));
}

it.each([
  [
    [12.7507, -2.5493, 12],
    ['12.751', '−2.549', '12.000'],
  ],
  [
    [0.484029, 0.0667648, -0.00001],
    ['0.4840', '0.0668', '0.0000'],
  ],
  [
    [0.0000025211, 0],
    ['0.00000252', '0.00000000'],
  ],
  [
    [9216, 12_345.6],
    ['9,216', '12,346'],
  ],
  [
    [1, 0],
    ['1', '0'],
  ],
])('shows %j with as many decimals each', (values, expected) => {
  const bars = values.map((value) => ({ value }));
  expect(textsOf(bars, 'end')).toEqual(expected);
});

it('shows another text where a bar has one', () => {
  expect(textsOf([{ value: 4_907_140, shown: '4.9 million' }], 'end')).toEqual(['4.9 million']);
});

it('marks the row of the chosen bar, behind everything else', () => {
  const bars = [{ value: 3 }, { value: 2 }, { value: 1 }];
  const { scene, boxOf } = picture(bars, 1);
  expect(scene.shapes[0]).toEqual({ kind: 'rect', fill: '--accent-soft', ...boxOf({ row: 1, column: 0 }) });
  for (const chosen of [undefined, bars.length]) {
    expect(
      picture(bars, chosen).scene.shapes.filter((shape) => 'fill' in shape && shape.fill === '--accent-soft'),
    ).toEqual([]);
  }
});

it('has space for the longest names of parts, and shortens longer ones', () => {
  const part = 'Layer 30, feed-forward';
  expect(textsOf([{ label: part, value: 1 }], 'start')).toEqual([part]);
  expect(picture([{ label: part, value: 1 }]).scene.width).toBeGreaterThan(picture([{ value: 1 }]).scene.width);
  expect(textsOf([{ label: `${part}s`, value: 1 }], 'start')).toEqual(['Layer 30, feed-forwar…']);
});
