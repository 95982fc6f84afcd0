/** Runs `measure-memory.ts`. Not with `node --import tsx`, which every thread of the kernels would load too. */
import { register } from 'tsx/esm/api';

register();
const { main } = await import('./measure-memory.ts');
await main(process.argv.slice(2));
