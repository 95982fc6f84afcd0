import { expect, it } from 'vitest';
import config from '../electron.vite.config.ts';
import { PARTS } from './ensure-built.mjs';

/** Names of what a part is bundled from. */
const inputs = (input: unknown) => (typeof input === 'object' && input !== null ? Object.keys(input) : []);

it('notices when any file that the bundler makes is missing', () => {
  const { main, preload, renderer } = config;
  const ofMain = inputs(main?.build?.rolldownOptions?.input).map((name) => `out/main/${name}.js`);
  const ofPreload = inputs(preload?.build?.rolldownOptions?.input).map((name) => `out/preload/${name}.cjs`);
  const ofPage = inputs(renderer?.build?.rolldownOptions?.input).map(
    (name) => `out/renderer/${name}.${name === 'index' || name === 'gpu' ? 'html' : 'js'}`,
  );
  expect(PARTS.main.outputs.toSorted()).toEqual(ofMain.toSorted());
  expect(PARTS.app.outputs.toSorted()).toEqual([...ofPreload, ...ofPage].toSorted());
});
