/** The protocol's contract over Electron's port and over the browser's Worker, in the built app. */
import { join } from 'node:path';
import { CONTRACT_CASES } from '../src-main/protocol/engine/test-support/contract.ts';
import { bundleForPage, pageEvaluator } from './support/page-bundle.ts';
import { expect, test } from './support/test.ts';

test('every connection to the engine fulfils the contract', { tag: ['@once', '@alone'] }, async ({ app }) => {
  test.setTimeout(120_000);
  // The case of a missing model, over HTTP.
  app.guard.allow(/status of 404/);
  // Chromium's own view of a text file.
  app.guard.allow(/apply inline style/);
  const script = await bundleForPage(join(import.meta.dirname, 'contract/page.ts'), 'contract');
  // The app treats an aborted first load as a failed start.
  await app.page.waitForLoadState('load');
  await app.services.invoke('about');
  // A document of the app's own origin, with its headers and its bridge, but without the app.
  await app.page.goto(`${app.origin}/engine.worker.js`);
  expect(await app.page.evaluate(() => crossOriginIsolated)).toBe(true);
  const evaluate = await pageEvaluator(app);
  await evaluate(script);
  for (const { name } of CONTRACT_CASES) {
    await test.step(name, async () => {
      expect(await evaluate(`runContractCase(${JSON.stringify(name)})`)).toBeNull();
    });
  }
});
