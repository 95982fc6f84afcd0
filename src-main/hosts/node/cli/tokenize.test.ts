/** The tokenizer commands with files that contain a tokenizer and no model. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SLOWEST_MACHINE } from '../../../engine/test-support/cpu-time.ts';
import { hardStrings } from '../../../engine/test-support/hard-strings.ts';
import { huggingFaceCases } from '../../../engine/test-support/hugging-face-cases.ts';
import { llamaCppFamily } from '../../../engine/test-support/llama-cpp-cases.ts';
import { GGUF_FAMILIES, HUGGING_FACE_FAMILIES } from '../../../engine/test-support/tokenizer-families.ts';
import { tinyTransformerJson } from '../../../engine/tokenizer/test-support/tiny-transformer.ts';
import { Output } from './output.ts';
import { runCli } from './program.ts';

/** One of each kind of file; all of them in the full run. */
const CHOSEN = ['conv-synth_unigram_bf', 'conv-bert_wordpiece', 'synth_unigram', 'claude'];
const isChosen = ({ golden }: { golden: string }) =>
  process.env.TOKENSCOPE_TEST_FULL === '1' || CHOSEN.includes(golden);
const TIMEOUT_MS = 900_000;

const llamaCppCases = (golden: string) =>
  llamaCppFamily(golden).cases.map(({ idsOfText, ids, decoded }) => ({
    idsOfText,
    ids,
    decoded: decoded as string | null,
  }));
const FAMILIES = [
  ...HUGGING_FACE_FAMILIES.map((family) => ({
    ...family,
    extension: 'json',
    cases: () =>
      huggingFaceCases(family.golden).map(({ idsOfText, idsOfPlain, decoded, ids }) => ({
        idsOfText,
        ids: idsOfPlain,
        // Hugging Face decoded only the tokens of the text with special tokens parsed.
        decoded: ids.join() === idsOfPlain.join() ? decoded : null,
      })),
  })),
  ...GGUF_FAMILIES.map((family) => ({ ...family, extension: 'gguf', cases: () => llamaCppCases(family.golden) })),
];

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tokenscope-tokenizers-'));
});
afterAll(() => rm(dir, { recursive: true }));

/** Runs a command on lines of JSON. */
async function answers(args: readonly string[], lines: readonly unknown[]): Promise<Record<string, unknown>[]> {
  const { code, out, err } = await tokenscope(args, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function tokenscope(args: readonly string[], input: string) {
  const [stdin, out, err] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const texts = [out, err].map((stream) => {
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    return () => Buffer.concat(parts).toString();
  });
  stdin.end(input);
  const code = await runCli(args, {
    stdin,
    out: new Output(out, () => undefined),
    err: new Output(err, () => undefined),
    signal: new AbortController().signal,
    workerUrl: new URL('file:///no-engine-is-needed'),
    modelsDir: join(dir, 'none'),
  });
  return { code, out: texts[0](), err: texts[1]() };
}

describe('tokenscope tokenize and detokenize --jsonl', () => {
  for (const family of FAMILIES.filter(isChosen)) {
    it.skipIf(!family.isThere)(
      `tokenize the hard strings and decode them: ${family.name} (needs the fetched tokenizers)`,
      async () => {
        const file = await family.file();
        const model = join(dir, `${family.golden}.${family.extension}`);
        await writeFile(model, await file.read(0, file.size));
        await file.close?.();
        const texts = hardStrings().map(({ text }) => text);
        const cases = family.cases();
        const whole = await answers(['tokenize', '--jsonl', '--special', '--model', model], texts);
        expect(whole.map(({ ids }) => ids)).toEqual(cases.map(({ idsOfText }) => idsOfText));
        expect(whole.map(({ text }) => text)).toEqual(texts);
        const plain = await answers(['tokenize', '--jsonl', '--no-bos', '--model', model], texts);
        expect(plain.map(({ ids }) => ids)).toEqual(cases.map(({ ids }) => ids));
        const known = cases.filter(({ decoded }) => decoded !== null);
        const decoded = await answers(
          ['detokenize', '--jsonl', '--special', '--model', model],
          known.map(({ ids }) => ids),
        );
        // llama.cpp cleans up the spaces of some families, which this engine does not: see docs/tokenizers.md.
        const withoutSpaces = (text: unknown) => String(text).replaceAll(' ', '');
        expect(decoded.map(({ text }) => withoutSpaces(text))).toEqual(
          known.map(({ decoded }) => withoutSpaces(decoded)),
        );
      },
      TIMEOUT_MS,
    );
  }

  it('end with an error if a pattern of the file would take forever', async () => {
    const hostile = join(dir, 'hostile.json');
    const pattern = { Regex: `${'(?:a*)?'.repeat(12)}b` };
    const split = { type: 'Split', pattern, behavior: 'Isolated', invert: false };
    await writeFile(hostile, JSON.stringify({ ...tinyTransformerJson(), pre_tokenizer: split }));
    const before = process.cpuUsage();
    expect(await tokenscope(['tokenize', 'a'.repeat(60), '--model', hostile], '')).toMatchObject({
      code: 1,
      err: expect.stringContaining("a pattern of the model's tokenizer takes too long") as string,
    });
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(3000 * SLOWEST_MACHINE);
  });

  it('report what is wrong with a file that is not a tokenizer', async () => {
    const broken = join(dir, 'broken.json');
    await writeFile(broken, '{"model": 5}');
    expect(await tokenscope(['tokenize', 'a', '--model', broken], '')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^tokenscope: broken\.json is damaged: model must be an object/) as string,
    });
    expect(await tokenscope(['tokenize', 'a', '--model', join(dir, 'none.json')], '')).toMatchObject({
      code: 1,
      err: expect.stringContaining(`${join(dir, 'none.json')} does not exist.`) as string,
    });
  });
});
