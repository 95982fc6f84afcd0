/**
 * The line of a sparkline in SVG path syntax, from 0 at the bottom to the largest value just below the top.
 * Null for fewer than two values.
 */
export function sparklinePath(
  values: readonly number[],
  width: number,
  height: number,
): { line: string; last: [number, number] } | null {
  if (values.length < 2) return null;
  const largest = Math.max(...values, Number.MIN_VALUE);
  const points = values.map((value, index): [number, number] => [
    (index * width) / (values.length - 1),
    height - (value / largest) * (height - 1.2),
  ]);
  const line = points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
  return { line, last: points[points.length - 1] ?? [width, height] };
}
