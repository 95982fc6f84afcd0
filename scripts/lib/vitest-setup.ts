import { configureGlobal } from 'fast-check';

const runs = Number(process.env.TOKENSCOPE_PROPERTY_RUNS);
if (runs > 0) configureGlobal({ numRuns: runs });
