/** Replies of a real model that follow a JSON schema, with any sampler, one by one and in lanes. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { beforeAll, describe, expect, it } from 'vitest';
import { nodeKernelThreads } from '../../hosts/node/kernel-threads.ts';
import { defaultGenerateParams, InferenceEngine, type GenerateParams, type SamplingParams } from '../index.ts';
import { testKernels } from '../test-support/kernels.ts';
import { singleFile, testModelPath } from '../test-support/test-model.ts';
import { nodePlatform, reply } from '../test-support/tiny-engine.ts';

const SCHEMAS: Record<string, object> = {
  person: {
    type: 'object',
    properties: {
      name: { type: 'string', minLength: 1, maxLength: 20 },
      age: { type: 'integer', minimum: 0, maximum: 130 },
      email: { type: ['string', 'null'], maxLength: 30 },
    },
    required: ['name', 'age'],
    additionalProperties: false,
  },
  list: {
    type: 'array',
    items: {
      type: 'object',
      properties: { city: { type: 'string' }, capital: { type: 'boolean' } },
      required: ['city'],
    },
    minItems: 1,
    maxItems: 3,
  },
  tree: {
    $ref: '#/$defs/node',
    $defs: {
      node: {
        type: 'object',
        properties: { value: { type: 'number' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } },
        required: ['value'],
      },
    },
  },
  choice: {
    anyOf: [
      {
        type: 'object',
        properties: { kind: { const: 'date' }, on: { type: 'string', format: 'date' } },
        required: ['kind', 'on'],
      },
      {
        type: 'object',
        properties: { kind: { const: 'code' }, code: { type: 'string', pattern: '^[A-Z]{2}-\\d{3}$' } },
        required: ['kind', 'code'],
      },
    ],
  },
  anything: {},
};

/** Every stage that might remove the tokens that a grammar needs, and those that draw by themselves. */
const SAMPLERS: readonly Partial<SamplingParams>[] = [
  {},
  { temperature: 0, repeatPenalty: 1.5, presencePenalty: 1, penaltyLastN: -1 },
  { temperature: 2, topK: 0, topP: 1, minP: 0 },
  { mirostat: 1 },
  { mirostat: 2, mirostatTau: 8 },
  { adaptiveTarget: 0.2 },
  { xtcProbability: 1, xtcThreshold: 0.01, dryMultiplier: 2, dynatempRange: 0.5 },
  { typicalP: 0.2, topNSigma: 0.5, topK: 1 },
];

const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
const SEEDS = isFull ? 20 : 2;
const LANES = 4;
const TIMEOUT_MS = 900_000;

const path = await testModelPath();

describe.skipIf(path === null)("SmolLM2's answers (needs the fetched test model)", () => {
  let engine: InferenceEngine;

  beforeAll(async () => {
    engine = new InferenceEngine({
      ...nodePlatform(),
      compileKernels: async () => testKernels(),
      threads: nodeKernelThreads(),
    });
    await engine.load(await singleFile(path!), { contextSize: 512 });
    return () => engine.unload();
  }, TIMEOUT_MS);

  function request(schema: object, seed: number, maxTokens: number): GenerateParams {
    const messages = [{ role: 'user' as const, text: 'Tell me about somebody or something, in JSON.' }];
    const params = defaultGenerateParams({ kind: 'chat', messages });
    const grammar = { kind: 'json_schema' as const, source: JSON.stringify(schema) };
    return {
      ...params,
      sampling: { ...params.sampling, ...SAMPLERS[seed % SAMPLERS.length], grammar, seed },
      stop: { ...params.stop, maxTokens },
    };
  }

  it.each(Object.entries(SCHEMAS).slice(0, isFull ? undefined : 1))(
    `are valid against a schema, with ${SEEDS} seeds and as many samplers: %s`,
    async (name, schema) => {
      const ajv = new Ajv2020({ strict: false });
      addFormats.default(ajv);
      const isValid = ajv.compile(schema);
      // Long replies, and some with hardly more tokens than the shortest completion.
      const lengths = [48, 33, 40];
      const requests = Array.from({ length: SEEDS }, (_, seed) =>
        request(schema, seed + name.length, lengths[seed % lengths.length]),
      );
      const texts = requests.map(() => '');
      for (let from = 0; from < requests.length; from += LANES) {
        const lanes = requests.slice(from, from + LANES).map((params) => ({ params }));
        for await (const each of engine.generateLanes(lanes)) {
          if (each.type !== 'lane') continue;
          const { lane, event } = each;
          if (event.type === 'start') expect(event.notices).toEqual([]);
          if (event.type === 'end') texts[from + lane] = event.text;
        }
      }
      for (const text of texts) {
        const value: unknown = JSON.parse(text);
        expect(isValid(value), `${text}: ${JSON.stringify(isValid.errors)}`).toBe(true);
      }
      // In lanes, replies are the same as alone.
      expect((await reply(engine, requests[0])).end.text).toBe(texts[0]);
    },
    TIMEOUT_MS,
  );
});
