/** Several replies at once, and a model so small that everything except the kernels matters. */
import { appRuntime } from '../lib/app-runtime.ts';
import { benchModel } from '../lib/bench-models.ts';
import { type LaneFigures, measureLanes, measureInterleaved } from '../lib/contenders.ts';
import { number, table } from '../lib/markdown.ts';
import type { BenchOptions } from '../lib/options.ts';
import { TINY_TRANSFORMER_DIR } from '../../src-main/engine/test-support/model-files.ts';

const LANES = [1, 2, 3, 4, 8];

interface LanesRow {
  readonly model: string;
  readonly threads: number;
  readonly figures: ReadonlyMap<number, LaneFigures>;
}

interface TinyRow {
  readonly threads: number | null;
  readonly prefill: number;
  readonly decode: number;
}

export interface LanesResult {
  readonly lanes: readonly LanesRow[];
  readonly tiny: { readonly prompt: number; readonly generate: number; readonly rows: readonly TinyRow[] };
}

export async function measureLanesAndTiny(options: BenchOptions): Promise<LanesResult> {
  const { repeat, processor } = options.task;
  const generate = Math.min(64, options.task.generate);
  const lanes: LanesRow[] = [];
  const app = await appRuntime();
  for (const type of ['Q4_1', 'Q8_0'] as const) {
    const path = await benchModel(type, options.say);
    for (const threads of options.threads) {
      options.say(`lanes of ${type}, ${threads} thread${threads === 1 ? '' : 's'}`);
      lanes.push({
        model: `SmolLM2 ${type}`,
        threads,
        figures: await measureLanes(app, { path, threads, generate, repeat, processor }, LANES),
      });
    }
  }
  options.say('TinyTransformer');
  const task = {
    path: TINY_TRANSFORMER_DIR,
    prompt: 32,
    generate: 64,
    contexts: [16],
    repeat: Math.max(repeat, 5),
    processor,
  };
  const rows: TinyRow[] = [];
  for (const threads of [...options.threads, null]) {
    const [{ prefill, decode }] = await measureInterleaved([app], { ...task, threads });
    rows.push({ threads, prefill, decode: decode.get(16) ?? NaN });
  }
  return { lanes, tiny: { prompt: task.prompt, generate: task.generate, rows } };
}

export function formatLanes({ lanes, tiny }: LanesResult): string {
  return [
    'Lanes (replies decoded as one batch): tokens per second of all lanes together; in brackets, the median speedup over one lane measured just before or after.',
    table(
      ['model', 'threads', ...LANES.map((count) => `${count}`)],
      lanes.map(({ model, threads, figures }) => {
        const cells = LANES.map((count) => {
          const { rate, speedup } = figures.get(count) ?? { rate: NaN, speedup: NaN };
          return count === 1 ? number(rate) : `${number(rate)} (${number(speedup)})`;
        });
        return [model, String(threads), ...cells];
      }),
    ),
    `TinyTransformer: tokens per second, prefill of ${tiny.prompt} tokens and decode of ${tiny.generate} tokens after 16.`,
    table(
      ['threads', 'prefill', 'decode'],
      tiny.rows.map(({ threads, prefill, decode }) => [
        threads === null ? 'chosen by measurement' : String(threads),
        number(prefill),
        number(decode),
      ]),
    ),
  ].join('\n\n');
}
