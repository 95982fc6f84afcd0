/** Repeats replies of the built-in model. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PRESETS, presetSampling } from '../../../../src-renderer/features/chat/sampling/presets.ts';
import { defaultGenerateParams, defaultSamplingParams } from '../../../engine/api/defaults.ts';
import type { GenerateParams } from '../../../engine/api/types.ts';
import { InferenceEngine } from '../../../engine/index.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../../../engine/test-support/model-files.ts';
import { steppingPlatform } from '../../../engine/test-support/random-chats.ts';
import { EngineClient } from '../client.ts';
import { EngineService } from '../engine-service.ts';
import { serveEngine } from '../server.ts';
import { memoryTransportPair } from '../test-support/memory.ts';
import { checkReceipt, receiptText } from './check-receipt.ts';
import { conditionsOf, idsDigest, makeReceipt, resolvedRequest, type Receipt } from './receipt.ts';
import { promptIdsOf, repeatReply, type RecordedReply } from './repeat-reply.ts';

const REPLIES = 50;
const PROMPTS = [
  'Once upon a time',
  'The dog',
  'Tom and Lily went to the park.',
  'One day, a big red ball',
  'Mum said:',
];

/** Drafted tokens that replies took so far. */
let accepted = 0;
let client: EngineClient;
beforeAll(async () => {
  const engine = new InferenceEngine(steppingPlatform());
  const service = new EngineService({ engine, openModel: () => nodeModelFiles(TINY_TRANSFORMER_DIR) });
  const [near, far] = memoryTransportPair();
  serveEngine(far, service);
  client = new EngineClient(near);
  await load({});
});
afterAll(() => client.close());

async function load(options: { contextSize?: number; executor?: 'wasm' | 'reference' }) {
  for await (const event of client.stream('load', { modelId: 'tiny-transformer', ...options })) void event;
}

async function receiptOf(params: GenerateParams, stopAfter = Infinity): Promise<Receipt> {
  const { model } = await client.call('status', {});
  const { files } = await client.call('hashModel', {});
  const stopping = new AbortController();
  let [seed, tokens] = [0, 0];
  let promptIds: number[] = [];
  let receipt: Receipt | null = null;
  for await (const event of client.stream('generate', params, { signal: stopping.signal })) {
    if (event.type === 'start') ({ seed, promptIds } = event);
    else if (event.type === 'token') {
      if (++tokens === stopAfter) stopping.abort();
    } else if (event.type === 'end') {
      accepted += event.timings.speculation?.accepted ?? 0;
      receipt = makeReceipt({
        requestedAt: '2026-01-01T12:00:00.000Z',
        model: { id: model!.id, name: model!.name, architecture: model!.architecture, files },
        conditions: conditionsOf(model!, { Tokenscope: '1.0.0' }),
        request: resolvedRequest(params, seed, model!),
        promptIds,
        reply: { ids: event.ids, text: event.text, stop: event.stop },
      });
    }
  }
  // As from a file.
  const checked = checkReceipt(JSON.parse(receiptText(receipt!)));
  if (checked.state !== 'intact') throw new Error(checked.reason);
  return checked.receipt;
}

const recorded = ({ promptIds, ...receipt }: Receipt): RecordedReply => ({
  ...receipt,
  promptDigest: idsDigest(promptIds),
});
const repeat = (receipt: Receipt) => repeatReply(client, recorded(receipt));

function asked(text: string, change: Partial<GenerateParams['sampling']> = {}, maxTokens = 40): GenerateParams {
  const params = defaultGenerateParams({ kind: 'text', text });
  return { ...params, sampling: { ...params.sampling, ...change }, stop: { ...params.stop, maxTokens } };
}

describe('a repeated reply', () => {
  it(`is identical: ${REPLIES} replies over all presets, as text and as chat, with seeds and without`, async () => {
    const base = defaultSamplingParams();
    for (let reply = 0; reply < REPLIES; reply++) {
      const preset = PRESETS[reply % PRESETS.length];
      const text = PROMPTS[reply % PROMPTS.length];
      const sampling = presetSampling(preset, { ...base, seed: reply % 2 === 0 ? null : reply }, base);
      const params = asked(text, sampling);
      if (reply % 4 === 3) params.prompt = { kind: 'chat', messages: [{ role: 'user', text }], whenFull: 'shift' };
      const receipt = await receiptOf(params);
      expect(receipt.reply.ids.length).toBeGreaterThan(0);
      // Another reply in between changes the prefix cache.
      await receiptOf(asked(PROMPTS[(reply + 1) % PROMPTS.length], {}, 4));
      expect(await repeat(receipt), `${preset.label}, ${text}`).toEqual({
        result: 'identical',
        promptIds: receipt.promptIds,
      });
    }
  });

  it('is identical with a grammar, banned texts, stop strings, mirostat and without the cache', async () => {
    const gbnf = { kind: 'gbnf', source: 'root ::= " " ("the" | "a") " " [a-z ]+ "."' } as const;
    const all: GenerateParams[] = [
      asked('The dog', { grammar: gbnf }),
      asked('The dog', { bannedTexts: ['the', 'was'], textBias: [['cat', 3]] }),
      asked('The dog', { mirostat: 2 }),
      asked('The dog', { dryMultiplier: 1, xtcProbability: 0.5, repeatPenalty: 1.2 }),
      { ...asked('The dog'), stop: { ...asked('The dog').stop, stopStrings: ['.', 'he'] } },
      { ...asked('The dog', { temperature: 0 }, 12), useKvCache: false },
      { ...asked('', {}), prompt: { kind: 'ids', ids: [0, 593, 580] } },
      { ...asked('Once upon a time there was'), continues: { reason: 'max_tokens' } },
    ];
    for (const params of all) expect((await repeat(await receiptOf(params))).result).toBe('identical');
  });

  it('is identical with speculation and without, whichever the recorded reply had', async () => {
    const prompt = { kind: 'ids' as const, ids: [0, 593, 580, 593, 580, 593, 580] };
    for (const sampling of [{ temperature: 0 }, { temperature: 0.5, seed: 3 }]) {
      const params = { ...asked('', sampling, 120), prompt };
      params.stop = { ...params.stop, repetitionWindow: 0, ignoreEos: true };
      const before = accepted;
      const plain = await receiptOf({ ...params, speculate: false });
      expect(accepted).toBe(before);
      const drafted = await receiptOf({ ...params, speculate: true, storePrefixFor: 'chat' });
      expect(accepted).toBeGreaterThan(before);
      expect(drafted).toEqual(plain);
      for (const receipt of [plain, drafted]) expect((await repeat(receipt)).result).toBe('identical');
    }
  });

  it('is compared up to its last token if it was stopped', async () => {
    // Tokens arrive once a frame. Without the cache, no machine has generated all of them by then.
    const params = { ...asked('Once upon a time', { temperature: 0 }, 200), useKvCache: false };
    params.stop.repetitionWindow = 0;
    params.stop.ignoreEos = true;
    const receipt = await receiptOf(params, 5);
    expect(receipt.reply.stop.reason).toBe('user');
    expect((await repeat(receipt)).result).toBe('identical');
  });

  it('reports the first token that differs, with both texts', async () => {
    const receipt = await receiptOf(asked('Once upon a time', { temperature: 0 }));
    const other = await receiptOf(asked('Once upon a time', { temperature: 1.5, seed: 3 }));
    const at = receipt.reply.ids.findIndex((id, i) => id !== other.reply.ids[i]);
    expect(at).toBeGreaterThanOrEqual(0);
    const outcome = await repeat({ ...receipt, reply: other.reply });
    expect(outcome).toMatchObject({
      result: 'differs',
      at,
      recorded: { id: other.reply.ids[at] },
      repeated: { id: receipt.reply.ids[at] },
    });
    if (outcome.result !== 'differs') throw new Error('It differs.');
    expect(outcome.shared + outcome.recorded.text).toBe(other.reply.text);
    expect(receipt.reply.text.startsWith(outcome.shared + outcome.repeated.text)).toBe(true);
    expect(outcome.repeated.text.startsWith(outcome.firstRepeated)).toBe(true);
  });

  it('differs where one of the two ends first', async () => {
    const receipt = await receiptOf(asked('Once upon a time', { temperature: 0 }, 6));
    const { ids, text } = receipt.reply;
    const longer = { ...receipt, reply: { ...receipt.reply, ids: [...ids, 5], text: `${text} more` } };
    expect(await repeat(longer)).toMatchObject({
      result: 'differs',
      at: 6,
      recorded: { id: 5, text: ' more' },
      repeated: { id: null, text: '' },
    });
    const shorter = { ...receipt, reply: { ...receipt.reply, ids: ids.slice(0, 4) } };
    expect(await repeat(shorter)).toMatchObject({ result: 'differs', at: 4, recorded: { id: null } });
  });

  it('is not compared if the same messages give another prompt', async () => {
    const source = '{{ strftime_now("%Y-%m-%d") }} {{ messages[0].content }}';
    const params = asked('');
    params.prompt = {
      kind: 'chat',
      messages: [{ role: 'user', text: 'Hi' }],
      template: { kind: 'custom', source },
      date: '2026-01-01T12:00:00.000Z',
    };
    const receipt = await receiptOf(params);
    // The repetition uses the recorded date.
    expect((await repeat(receipt)).result).toBe('identical');
    const later = { ...receipt, requestedAt: '2027-02-03T12:00:00.000Z' };
    expect((await repeat(later)).result).toBe('other_prompt');
    expect(await promptIdsOf(client, receipt)).toEqual(receipt.promptIds);
  });

  it('can be stopped', async () => {
    const receipt = await receiptOf(asked('Once upon a time', {}, 40));
    const stopping = new AbortController();
    const onToken = () => stopping.abort();
    await expect(repeatReply(client, recorded(receipt), { signal: stopping.signal, onToken })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });

  it('fails if its prompt no longer fits the context window', async () => {
    const receipt = await receiptOf(asked(PROMPTS.join(' ')));
    await load({ contextSize: 8 });
    await expect(repeat(receipt)).rejects.toMatchObject({ code: 'CONTEXT_FULL' });
    await load({ contextSize: 1000 });
  });
});
