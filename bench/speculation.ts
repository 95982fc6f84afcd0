/**
 * Decoding with and without speculation, in turns: tokens per second of whole replies of SmolLM2 Q4_1, medians, and whether
 * the ids are the same:
 *
 *     npx tsx bench/speculation.ts [--repeat 3] [--threads 2] [--model FILE]
 */
import { defaultGenerateParams } from '../src-main/engine/api/defaults.ts';
import { InferenceEngine, type GenerateEnd } from '../src-main/engine/index.ts';
import { median } from '../src-main/hosts/node/bench/median.ts';
import { openModelPath } from '../src-main/hosts/node/model-path.ts';
import { nodePlatform } from '../src-main/hosts/node/node-platform.ts';
import { table } from './lib/markdown.ts';
import { modelBench } from './lib/model-bench.ts';

const ARTICLE =
  'The river rises in the hills above the old mill. In spring, the snow melts and the water fills the meadows. ' +
  'The farmers of the valley built three bridges, because the first one was too narrow for their carts. ' +
  'Today, the mill is a museum, and children come to see how flour was made a hundred years ago.';
const CODE =
  'function total(prices) {\n  let sum = 0;\n  for (const price of prices) {\n    sum += price;\n  }\n  return sum;\n}\n\n' +
  'function average(prices) {\n  return total(prices) / prices.length;\n}';

const TASKS: Readonly<Record<string, { text: string; temperature: number }>> = {
  'repeat an article': { text: `Repeat this text word by word:\n\n${ARTICLE}`, temperature: 0 },
  'summarise an article': { text: `Summarise this text in three sentences:\n\n${ARTICLE}`, temperature: 0 },
  'change code': { text: `Rename "price" to "cost" in this code, and print all of it:\n\n${CODE}`, temperature: 0 },
  'write a story': { text: 'Write a long story about a lighthouse keeper and a whale.', temperature: 0 },
  'write a story, temperature 0.8': {
    text: 'Write a long story about a lighthouse keeper and a whale.',
    temperature: 0.8,
  },
};

const { path, repeat, threads } = await modelBench();
const engine = new InferenceEngine(nodePlatform());
await engine.load(await openModelPath(path), { contextSize: 2048, threads });

async function reply({ text, temperature }: (typeof TASKS)[string], speculate: boolean): Promise<GenerateEnd> {
  const params = defaultGenerateParams({ kind: 'chat', messages: [{ role: 'user', text }] });
  const request = {
    ...params,
    sampling: { ...params.sampling, temperature, seed: 7 },
    stop: { ...params.stop, maxTokens: 192 },
    speculate,
  };
  for await (const event of engine.generate(request)) if (event.type === 'end') return event;
  throw new Error('A reply ended without its end event.');
}

const rows: string[][] = [];
for (const [name, task] of Object.entries(TASKS)) {
  const rates = { plain: [] as number[], drafted: [] as number[] };
  let last = await reply(task, true);
  let isSame = true;
  for (let i = 0; i < repeat; i++) {
    const plain = await reply(task, false);
    last = await reply(task, true);
    isSame &&= plain.ids.join() === last.ids.join() && plain.text === last.text;
    rates.plain.push(plain.timings.decodeTokensPerSecond ?? 0);
    rates.drafted.push(last.timings.decodeTokensPerSecond ?? 0);
  }
  const [plain, drafted] = [median(rates.plain), median(rates.drafted)];
  const { speculation } = last.timings;
  const accepted = speculation === undefined ? '–' : `${speculation.accepted} of ${speculation.drafted}`;
  const ratio = (drafted / plain).toFixed(2);
  rows.push([
    name,
    String(last.ids.length),
    plain.toFixed(0),
    drafted.toFixed(0),
    ratio,
    accepted,
    isSame ? 'yes' : 'NO',
  ]);
}
await engine.unload();
console.log(table(['reply', 'tokens', 'without', 'with', 'ratio', 'accepted', 'same ids'], rows));
