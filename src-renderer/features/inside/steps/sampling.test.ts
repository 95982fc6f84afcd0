import { expect, it } from 'vitest';
import type { DrawSource } from '../../waterfall/draw-source.ts';
import { explainedDraw } from '../../waterfall/test-support/explained.ts';
import { tokenInstead } from './sampling.ts';

it('names the token that a reply has where the draw gives another one', () => {
  const source = { token: (index: number) => ({ id: 10 + index, text: `w${10 + index}` }) } as unknown as DrawSource;
  // The draw gives 11. A token with a row is shown as there.
  expect([0, 1, 7].map((index) => tokenInstead(explainedDraw(), { source, index }))).toEqual(['·w10', null, 'w17']);
});
