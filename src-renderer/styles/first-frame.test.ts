import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const read = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8');
const tokens = read('tokens.css');

function token(theme: string, name: string): string | undefined {
  const start = tokens.indexOf(`[data-theme='${theme}'] {`);
  const block = tokens.slice(start, tokens.indexOf('\n}', start));
  return new RegExp(`--${name}: (#\\w+);`).exec(block)?.[1];
}

test('the colours before any script are the tokens of the light and the dark theme', () => {
  const pairs = [...read('first-frame.css').matchAll(/light-dark\((#\w+), (#\w+)\)/g)].map(([, ...pair]) => pair);
  const expected = ['surface-0', 'line-1', 'surface-1'].map((name) => [token('light', name), token('dark', name)]);
  expect(pairs).toEqual(expected);
});
