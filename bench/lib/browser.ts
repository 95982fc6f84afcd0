/** Tokenscope in a browser, for the benchmark. */
import { chromium, type CDPSession } from 'playwright';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer, stopServer } from '../../e2e/support/web-app.ts';
import { webKey } from '../../e2e/support/web-key.ts';
import { bundleForPage } from '../../e2e/support/page-bundle.ts';
import { findChromium } from '../../scripts/lib/chromium.ts';
import type {
  BenchAnswer,
  BenchCaller,
  BenchCallName,
  BenchCalls,
} from '../../src-main/hosts/node/bench/bench-messages.ts';
import { ModelLibrary } from '../../src-main/services/models/library.ts';

/** Runs `work` with a page of the built app's web host, in which only the engine runs. */
export async function withBrowser<T>(work: (page: BenchCaller) => Promise<T>): Promise<T> {
  const executablePath = findChromium();
  if (executablePath === null)
    throw new Error('Chromium was not found. Run "npx tsx scripts/system-packages.ts" to see how to install it.');
  const dataDir = await mkdtemp(join(tmpdir(), 'tokenscope-bench-web-'));
  const server = await startServer({ dataDir });
  const browser = await chromium.launch({ executablePath });
  try {
    const page = await browser.newPage();
    // A document of the app's own origin, with its headers, but without the app.
    await page.goto(`${server.origin}/engine.worker.js`);
    const session = await page.context().newCDPSession(page);
    await evaluate(session, await bundleForPage(join(import.meta.dirname, 'browser-page.ts'), 'bench'));
    await evaluate(session, `connectBench(${JSON.stringify(await webKey(dataDir))})`);
    return await work(pageCaller(session, dataDir));
  } finally {
    await browser.close();
    await stopServer(server.child);
    await rm(dataDir, { recursive: true, force: true });
  }
}

function pageCaller(session: CDPSession, dataDir: string): BenchCaller {
  const library = new ModelLibrary(dataDir, [], (message) => console.error(message));
  return {
    async call<N extends BenchCallName>(call: N, params: BenchCalls[N]['params']) {
      // A page knows no paths.
      const sent = 'path' in params ? { ...params, path: (await library.add(params.path)).id } : params;
      const answer = (await evaluate(session, `benchCall(${JSON.stringify({ call, params: sent })})`)) as BenchAnswer;
      if ('error' in answer) throw new Error(answer.error.message);
      return answer.result as BenchCalls[N]['result'];
    },
  };
}

/** Bypasses the content security policy, which blocks foreign scripts. */
async function evaluate(session: CDPSession, expression: string): Promise<unknown> {
  const options = { expression, awaitPromise: true, returnByValue: true };
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', options);
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}
