import { expect, it } from 'vitest';
import { barPicture } from './bar-picture.ts';
import { BarScales } from './bar-scales.svelte.ts';
import type { Picture } from './picture.ts';

function picture(values: number[], label = ''): Picture {
  const facts = { name: '', value: '', formula: '' };
  return barPicture({
    ...{ title: '', fileName: '', table: { columns: [], rows: 0, row: () => [] } },
    bars: values.map((value) => ({ label, value, facts })),
  });
}

function widthsOf({ scene }: Picture): number[] {
  return scene.shapes.flatMap((shape) => (shape.kind === 'rect' ? [shape.width] : []));
}

function scalesOf(...pictures: Picture[]): BarScales {
  const scales = new BarScales();
  for (const { bars } of pictures) scales.add('logits', bars!.scale);
  return scales;
}

it('draws bars of two runs on the same scale', () => {
  const [first, second] = [picture([13.824, 4]), picture([6.912, 2])];
  const scales = scalesOf(first, second);
  expect(scales.scaled('logits', first)).toBe(first);
  expect(widthsOf(scales.scaled('logits', second))[0]).toBeCloseTo(widthsOf(first)[0] / 2);
});

it('has as much space for names and negative values in both, also in narrow columns', () => {
  const [first, second] = [picture([4, 2], 'Layer 30, feed-forward'), picture([-4, 1])];
  const scales = scalesOf(first, second);
  for (const space of [320, 2000]) {
    const [one, other] = [first, second].map((own) => scales.scaled('logits', own).fit!(space));
    expect(one.scene.width).toBe(other.scene.width);
    expect(widthsOf(one)[0]).toBe(widthsOf(other)[0]);
  }
});

it('keeps the digits of a picture with smaller values', () => {
  const [first, second] = [picture([12_345]), picture([0.25])];
  const { shapes } = scalesOf(first, second).scaled('logits', second).scene;
  expect(shapes).toContainEqual(expect.objectContaining({ kind: 'text', text: '0.2500' }));
});

it('draws a picture at its own scale among those of other names, and when the other run has closed', () => {
  const scales = new BarScales();
  const small = picture([1]);
  const remove = scales.add('logits', picture([8]).bars!.scale);
  expect(scales.scaled('blocks', small)).toBe(small);
  expect(scales.scaled('logits', small)).not.toBe(small);
  remove();
  expect(scales.scaled('logits', small)).toBe(small);
});
