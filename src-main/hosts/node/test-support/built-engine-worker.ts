/** The engine's worker as it was built before the tests (`scripts/lib/vitest-global-setup.ts`): it starts in no time. */
export const BUILT_ENGINE_WORKER = new URL('../../../../out/main/engine-worker.js', import.meta.url);
