import { build } from 'vite';
import type { RunningApp } from './app.ts';

/** Bundles one script without imports: the page's content security policy allows no others. */
export async function bundleForPage(entry: string, name: string): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, minify: false, lib: { entry, formats: ['iife'], name } },
  });
  const [output] = Array.isArray(built) ? built : [built];
  if (!('output' in output)) throw new Error(`${entry} was not bundled.`);
  return output.output[0].code;
}

/**
 * Evaluates expressions in the app's page past its content security policy, and waits for promises. The evaluation counts
 * as a click. It throws what the page throws.
 */
export async function pageEvaluator({ context, page }: RunningApp): Promise<(expression: string) => Promise<unknown>> {
  const session = await context.newCDPSession(page);
  return async (expression) => {
    const options = { expression, awaitPromise: true, returnByValue: true, userGesture: true };
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', options);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
}
