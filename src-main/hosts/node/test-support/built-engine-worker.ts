/** The engine's worker, built before the tests (`scripts/lib/vitest-global-setup.ts`), so that it starts quickly. */
export const BUILT_ENGINE_WORKER = new URL('../../../../out/main/engine-worker.js', import.meta.url);
