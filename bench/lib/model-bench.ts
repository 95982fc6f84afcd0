import { parseArgs } from 'node:util';
import { benchModel } from './bench-models.ts';

/** `[--repeat 3] [--threads 2] [--model FILE]`; without a file, SmolLM2 Q4_1, made if it is not there. */
export async function modelBench(): Promise<{ path: string; repeat: number; threads: number }> {
  const { values } = parseArgs({
    options: {
      repeat: { type: 'string', default: '3' },
      threads: { type: 'string', default: '2' },
      model: { type: 'string' },
    },
  });
  const path = values.model ?? (await benchModel('Q4_1', (line) => console.error(line)));
  return { path, repeat: Number(values.repeat), threads: Number(values.threads) };
}
