/**
 * Checks the files of `tokenscope quantize` with llama.cpp: they must open there and give the same output.
 *
 *     npm install --prefix bench
 *     node --import tsx bench/oracle/check-quantized.ts [MODEL.gguf] [TYPE...]
 *
 * First the tiny Hugging Face folders of the tests, in F32 and F16: the greedy tokens must be those of transformers. Then
 * MODEL (the fetched test model by default): each type is written and opened in both engines. F32: the greedy text must
 * be the same. Others: the first token after 40 beginnings, of which 95 % must be the same. llama.cpp rounds activations
 * to 8 bits, unlike the reference executor, which changes near ties: so the beginnings are the first 40 after which the
 * top token leads by MIN_LEAD.
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantizeModel, TARGET_TYPES } from '../../src-main/engine/index.ts';
import { openModel } from '../../src-main/engine/models/open-model.ts';
import type { ModelFiles } from '../../src-main/engine/api/platform.ts';
import { HF_FOLDERS, hfFolder, readHfGolden } from '../../src-main/engine/test-support/hf-fixtures.ts';
import { openModelPath } from '../../src-main/hosts/node/model-path.ts';
import { fetchTestModel } from '../../scripts/fetch-test-model.ts';
import { type Greedy, greedyOf } from './greedy.ts';
import { startLlamaCpp } from './llama-cpp.ts';
import { BEGINNINGS } from './prefixes.ts';

const REQUIRED = 0.95;
const GREEDY_TOKENS = 32;
const GREEDY_PROMPTS = 5;
const PREFIXES = 40;
/** In logits: e^0.3 is 1.35 times as probable. */
const MIN_LEAD = 0.3;

const llama = await startLlamaCpp();
const folder = await mkdtemp(join(tmpdir(), 'tokenscope-oracle-'));
let failures = 0;

function report(ok: boolean, line: string): void {
  if (!ok) failures++;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${line}`);
}

async function write(files: ModelFiles, type: string): Promise<string> {
  const path = join(folder, `${files.id}.${type}.gguf`);
  const file = await open(path, 'w');
  try {
    await quantizeModel(files, type, { write: async (bytes) => void (await file.writeFile(bytes)) });
  } finally {
    await file.close();
  }
  return path;
}

/** Beginnings after which the model has a clear preference. */
async function choosePrefixes(greedy: Greedy, encode: (text: string) => number[]): Promise<string[]> {
  const chosen: string[] = [];
  for (const beginning of BEGINNINGS) {
    if (chosen.length === PREFIXES) break;
    if ((await greedy.lead(encode(beginning))) >= MIN_LEAD) chosen.push(beginning);
  }
  return chosen;
}

async function checkType(source: string, type: string): Promise<void> {
  const path = await write(await openModelPath(source), type);
  const ours = await openModel(await openModelPath(path), { contextSize: 256 });
  const theirs = await llama.open(path);
  const greedy = greedyOf(ours);
  const encode = (text: string) => ours.tokenizer.encode(text);
  try {
    const prefixes = await choosePrefixes(greedy, encode);
    if (type === 'F32') {
      for (const prompt of prefixes.slice(0, GREEDY_PROMPTS)) {
        const [a, b] = [
          await greedy.reply(encode(prompt), GREEDY_TOKENS),
          await theirs.greedy(encode(prompt), GREEDY_TOKENS),
        ];
        const text = ours.tokenizer.decode(a, false);
        report(text === ours.tokenizer.decode(b, false), `${type}: ${GREEDY_TOKENS} greedy tokens after "${prompt}"`);
      }
    }
    let same = 0;
    for (const prefix of prefixes) {
      const ids = encode(prefix);
      if ((await greedy.reply(ids, 1))[0] === (await theirs.greedy(ids, 1))[0]) same++;
    }
    const required = type === 'F32' ? 1 : REQUIRED;
    report(
      same >= required * prefixes.length,
      `${type}: same first token for ${same} of ${prefixes.length} beginnings`,
    );
  } finally {
    await theirs.close();
    await rm(path);
  }
}

async function checkFolder(name: string, type: string): Promise<void> {
  const path = await write(hfFolder(name), type);
  const { prompt, greedy } = readHfGolden(name);
  const theirs = await llama.open(path);
  try {
    const expected = greedy.map(({ id }) => id);
    const found = await theirs.greedy(prompt, expected.length);
    const same = expected.findIndex((id, i) => id !== found[i]);
    const count = same === -1 ? expected.length : same;
    // F16 weights may change a token; F32 ones may not.
    report(
      type !== 'F32' || count === expected.length,
      `${name} in ${type}: ${count} of ${expected.length} greedy tokens`,
    );
  } finally {
    await theirs.close();
    await rm(path);
  }
}

try {
  const [model, ...types] = process.argv.slice(2);
  for (const name of HF_FOLDERS) for (const type of ['F32', 'F16']) await checkFolder(name, type);
  const source = model ?? (await fetchTestModel((line) => console.log(line)));
  for (const type of types.length > 0 ? types : TARGET_TYPES) await checkType(source, type);
} finally {
  await rm(folder, { recursive: true, force: true });
  await llama.close();
}
console.log(failures === 0 ? 'All the same.' : `${failures} checks failed.`);
process.exitCode = failures === 0 ? 0 : 1;
