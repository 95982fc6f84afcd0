import { beforeEach, expect, it } from 'vitest';
import type { TokenColours } from '../../../../src-main/protocol/app/app-services.ts';
import type { ScoreParams } from '../../../../src-main/engine/api/types.ts';
import { end, start, token, tokens } from '../../chat/test-support/fakes.ts';
import { idsOf, open, startWith, type } from '../test-support/open-notebook.ts';
import { ShownMeasures } from './shown-measures.svelte.ts';

let opened: Awaited<ReturnType<typeof open>>;
let asked: ScoreParams[];
let by: TokenColours['by'] | null;
let measures: ShownMeasures;
beforeEach(async () => {
  opened = await open();
  asked = [];
  opened.api.answers.score = (params) => {
    asked.push(params);
    const scored = Array.from({ length: params.last ?? 0 }, (_, index) => index + 1);
    const entropies = [...scored, 9].map((one) => one / 10);
    return { ids: [], logprobs: [], ranks: scored, entropies, top: [], perplexity: 1 };
  };
  by = 'entropy';
  measures = new ShownMeasures({ session: opened.session, by: () => by });
});

/** Generates a text behind another one, and looks at its tokens. */
async function generate(text: string, script = [...tokens(3), end(3)]): Promise<void> {
  const { api, notebooks, session } = opened;
  api.scripts.push([startWith(idsOf(text)), ...script]);
  notebooks.create(text);
  await session.generate(text.length);
  measures.tokens = session.tokens;
}
const shown = () => [...measures.byToken.values()];

it('computes entropies again, with the text before the reply, once', async () => {
  await generate('ab');
  expect(measures.basis).toBe('Recomputing entropy…');
  measures.compute();
  await expect.poll(() => measures.basis).toBe('Entropy recomputed');
  expect(asked).toEqual([{ prompt: { kind: 'ids', ids: [0, 97, 98, 3, 4, 5] }, top: 0, last: 3 }]);
  expect(shown().map(({ entropy }) => entropy)).toEqual([0.1, 0.2, 0.3]);
  measures.compute();
  by = null;
  measures.compute();
  by = 'entropy';
  measures.compute();
  expect(asked).toHaveLength(1);
});

it('leaves out the beginning of a text that is too long', async () => {
  opened.settings.update({ whenFull: 'shift' });
  await generate('x'.repeat(1200));
  measures.compute();
  await expect.poll(() => asked).toHaveLength(1);
  const [{ prompt }] = asked;
  const ids = prompt.kind === 'ids' ? prompt.ids : [];
  expect([ids.length, ids[0], ids.slice(-4)]).toEqual([1000, 0, [120, 3, 4, 5]]);
});

it('takes stored ranks, and computes nothing for them or for a probability', async () => {
  by = 'rank';
  await generate('ab', [{ type: 'token', token: token(0, { rank: 7 }) }, end(1)]);
  measures.compute();
  expect(shown()).toEqual([{ rank: 7, entropy: null }]);
  expect(measures.basis).toBeNull();
  const byProbability = new ShownMeasures({ session: opened.session, by: () => 'probability' });
  byProbability.tokens = opened.session.tokens;
  byProbability.compute();
  const { isNeeded, byToken, basis } = byProbability;
  expect([isNeeded, byToken.size, basis, asked]).toEqual([false, 0, null, []]);
});

it('says why a reply has no entropies, and computes them once its beginning is back', async () => {
  await generate('ab');
  type(opened.notebooks.current!, 3, 'x');
  measures.tokens = opened.session.tokens;
  measures.compute();
  await expect.poll(() => measures.basis).toContain('The beginning of this generation is not in the text.');
  expect(shown().map(({ entropy }) => entropy)).toEqual([null, null]);
  await opened.session.undo();
  measures.tokens = opened.session.tokens;
  measures.compute();
  await expect.poll(() => measures.basis).toBe('Entropy recomputed');
  expect(shown().map(({ entropy }) => entropy)).toEqual([0.1, 0.2, 0.3]);
});

it('says so if the text before the reply is not what it was', async () => {
  await generate('ab');
  type(opened.notebooks.current!, 0, 'x');
  measures.tokens = opened.session.tokens;
  measures.compute();
  await expect.poll(() => measures.basis).toBe('Entropy recomputed with a different prompt');
});

it('waits for a running reply', async () => {
  const { api, session } = opened;
  await generate('ab');
  api.scripts.push([start(), ...tokens(1), 'pause']);
  const running = session.generate(2);
  await expect.poll(() => session.running?.count).toBe(1);
  measures.compute();
  expect(measures.basis).toBe('Entropy will be recomputed after the reply');
  expect(asked).toEqual([]);
  session.stop();
  await running;
  measures.compute();
  await expect.poll(() => asked).toHaveLength(1);
});
