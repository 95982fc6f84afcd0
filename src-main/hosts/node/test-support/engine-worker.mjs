/** Runs the engine's worker from its TypeScript source, for tests that should not need a build. */
import { register } from 'tsx/esm/api';

register();
await import('../engine-worker.ts');
