/** Runs `measure-idle.ts`. Not with `node --import tsx`, which every thread of the kernels would load too. */
import { register } from 'tsx/esm/api';

register();
const { main } = await import('./measure-idle.ts');
await main(process.argv.slice(2));
