import { configureGlobal } from 'fast-check';
import { vi } from 'vitest';

const runs = Number(process.env.TOKENSCOPE_PROPERTY_RUNS);
if (runs > 0) configureGlobal({ numRuns: runs });

/** Against hanging only, ms. The default of one second is less than a busy disk takes for a few files. */
const PATIENCE_MS = 15_000;

// For each file, in a process that runs many.
if (vi.waitFor.name !== 'waitPatiently') {
  const { waitFor } = vi;
  vi.waitFor = function waitPatiently(check, options = {}) {
    const own = typeof options === 'number' ? { timeout: options } : options;
    return waitFor(check, { timeout: PATIENCE_MS, ...own });
  };
}
