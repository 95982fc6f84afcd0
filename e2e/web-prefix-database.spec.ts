/** The browser's store of the prefix cache, in the built app's origin. */
import { join } from 'node:path';
import { PREFIX_STORE_CASES } from '../src-main/engine/test-support/prefix-store-cases.ts';
import { bundleForPage, pageEvaluator } from './support/page-bundle.ts';
import { expect, test } from './support/test.ts';

test('the browser stores the prefix cache as a folder does', { tag: '@full' }, async ({ app }) => {
  // Chromium's own view of a text file.
  app.guard.allow(/apply inline style/);
  const script = await bundleForPage(join(import.meta.dirname, 'contract/prefix-database.ts'), 'prefixDatabase');
  await app.page.waitForLoadState('load');
  // A document of the app's own origin without the app, whose engine uses the database, too.
  await app.page.goto(`${app.origin}/engine.worker.js`);
  const evaluate = await pageEvaluator(app);
  await evaluate(script);
  for (const { name } of PREFIX_STORE_CASES) {
    await test.step(name, async () => {
      expect(await evaluate(`runPrefixStoreCase(${JSON.stringify(name)})`)).toBeNull();
    });
  }
  expect(await evaluate('survivesDeletion()')).toBeNull();
});
