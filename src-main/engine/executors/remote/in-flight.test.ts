/** Replies with tokens in flight across a connection. Behind it, the CPU kernels choose tokens as a GPU does. */
import { afterEach, describe, expect, it } from 'vitest';
import { EngineError } from '../../api/errors.ts';
import type { CancelToken } from '../../api/platform.ts';
import {
  defaultGenerateParams,
  type GenerateEvent,
  type GenerateParams,
  InferenceEngine,
  type Platform,
  type SamplingParams,
  type Stop,
} from '../../index.ts';
import { choosing } from '../../test-support/choosing-executor.ts';
import { createOnKernels, gpuThread } from '../../test-support/gpu-thread.ts';
import { gpuWith } from '../../test-support/imagined-gpu.ts';
import { kernelPlatform } from '../../test-support/tiny-engine.ts';
import { tinyGgufFiles } from '../../test-support/tiny-gguf.ts';
import { type LinkHooks, WatchedLink } from '../../test-support/watched-link.ts';
import { MOST_IN_FLIGHT } from '../executor.ts';
import type { BestOfRow, RunAnswer } from './messages.ts';
import type { ServeGpuOptions } from './serve-gpu.ts';

const CONTEXT = 64;
const PROMPT = [11, 48, 85, 3];
const TOKENS = 40;
/** More than `topK`, less than the vocabulary. */
const BEST = 12;
const GREEDY = { temperature: 0 };
const DRAWN = { temperature: 0.9, topP: 0.95, minP: 0.02, seed: 7 };

const engines: InferenceEngine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.unload();
});

async function engineOn(executor: 'wasm' | 'webgpu', platform: Platform): Promise<InferenceEngine> {
  const engine = new InferenceEngine(platform);
  engines.push(engine);
  await engine.load(await tinyGgufFiles('llama'), { executor, contextSize: CONTEXT, kvCacheType: 'f32' });
  return engine;
}

const choosingOnKernels: NonNullable<ServeGpuOptions['create']> = async (...taking) =>
  choosing(await createOnKernels(...taking), BEST);

async function engineElsewhere(hooks: LinkHooks = {}, create = choosingOnKernels) {
  const thread = gpuThread(gpuWith(), { create });
  const watched = new WatchedLink(hooks);
  const connectGpu = () => Promise.resolve(watched.around(thread.link));
  return { engine: await engineOn('webgpu', { ...kernelPlatform(), connectGpu }), watched, thread };
}

function request(sampling: Partial<SamplingParams>, stop: Partial<GenerateParams['stop']> = {}): GenerateParams {
  const params = defaultGenerateParams({ kind: 'ids', ids: PROMPT });
  return {
    ...params,
    sampling: { ...params.sampling, topK: 8, ...sampling },
    stop: { ...params.stop, maxTokens: TOKENS, repetitionWindow: 0, ignoreEos: true, ...stop },
    topCandidates: 5,
  };
}

interface Reply {
  /** Of the tokens as they came. */
  readonly ids: readonly number[];
  readonly text: string;
  readonly stop: Stop;
  readonly moves: number;
  readonly reusedTokens: number;
}

async function replyOf(
  engine: InferenceEngine,
  params: GenerateParams,
  { cancel, onEvent }: { cancel?: CancelToken; onEvent?: (event: GenerateEvent) => void } = {},
): Promise<Reply> {
  const reply = { ids: [] as number[], moves: 0, reusedTokens: 0 };
  for await (const event of engine.generate(params, cancel)) {
    onEvent?.(event);
    if (event.type === 'start') reply.reusedTokens = event.reusedTokens;
    else if (event.type === 'token') reply.ids.push(event.token.id);
    else if (event.type === 'moved') reply.moves++;
    else if (event.type === 'end') {
      expect(event.ids).toEqual(reply.ids);
      return { ...reply, text: event.text, stop: event.stop };
    }
  }
  throw new Error('the reply had no end');
}

/** Without tokens in flight. */
async function plain(params: GenerateParams): Promise<Reply> {
  return replyOf(await engineOn('wasm', kernelPlatform()), params);
}

describe('tokens in flight to another process', () => {
  it.each([
    ['greedy', GREEDY],
    ['drawn', DRAWN],
  ])('give the same reply as without them: %s', async (_name, sampling) => {
    const params = request(sampling);
    const expected = await plain(params);
    expect(expected.ids).toHaveLength(TOKENS);
    const { engine, watched } = await engineElsewhere();
    expect(await replyOf(engine, params)).toEqual(expected);
    // The runs of the prompt and of the first token are not chosen. At the end, two runs were in vain.
    expect(watched.chosen).toBe(TOKENS);
    expect(watched.runs).toBe(TOKENS + MOST_IN_FLIGHT - 1);
    expect(watched.most).toBe(MOST_IN_FLIGHT);
    expect(watched.unanswered).toBe(0);
  });

  it('are dropped when the GPU chose other tokens', async () => {
    const params = request(DRAWN);
    const wrong: typeof choosingOnKernels = async (...taking) => {
      const executor = await choosingOnKernels(...taking);
      const run = executor.run.bind(executor);
      return Object.assign(executor, {
        run: (...[batch, outputs, cancel]: Parameters<typeof run>) =>
          run(batch, outputs.choose ? { ...outputs, choose: 'greedy' } : outputs, cancel),
      });
    };
    const { engine, watched } = await engineElsewhere({}, wrong);
    expect(await replyOf(engine, params)).toEqual(await plain(params));
    expect(watched.chosen).toBeGreaterThan(0);
    expect(watched.chosen).toBeLessThan(TOKENS);
  });

  it.each<[string, Stop['reason'], (whole: Reply) => Partial<GenerateParams['stop']>]>([
    ['a limit', 'max_tokens', () => ({ maxTokens: 7 })],
    ['a stop string', 'stop_string', ({ text }) => ({ stopStrings: [text.slice(20, 24)] })],
    ['a full window', 'context_full', () => ({ maxTokens: 1000 })],
  ])('stop exactly at %s, and leave nothing behind', async (_name, reason, stopOf) => {
    const whole = await plain(request(GREEDY));
    const params = request(GREEDY, stopOf(whole));
    const expected = await plain(params);
    expect(expected.stop).toMatchObject({ reason });
    const { engine, watched } = await engineElsewhere();
    expect(await replyOf(engine, params)).toEqual(expected);
    expect(watched.unanswered).toBe(0);
    const again = await replyOf(engine, request(GREEDY));
    expect(again).toEqual({ ...whole, reusedTokens: PROMPT.length - 1 });
  });

  it('stop exactly at the end of the text', async () => {
    const [here, { engine, watched }] = [await engineOn('wasm', kernelPlatform()), await engineElsewhere()];
    const reasons = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const params = request({ ...DRAWN, temperature: 3, topP: 1, minP: 0, seed }, { ignoreEos: false });
      const { reusedTokens: _, ...expected } = await replyOf(here, params);
      expect(await replyOf(engine, params)).toMatchObject(expected);
      expect(watched.unanswered).toBe(0);
      reasons.add(expected.stop.reason);
    }
    expect([...reasons].sort()).toEqual(['eos', 'max_tokens']);
  });

  it('end when the reply is stopped, between tokens or while it waits for one', async () => {
    const params = request(DRAWN);
    const whole = await plain(params);
    const cancel = { cancelled: false };
    let stopAfterRun = Infinity;
    const onRun = (number: number) => void (cancel.cancelled ||= number === stopAfterRun);
    const { engine, watched } = await engineElsewhere({ onRun });
    let tokens = 0;
    const onEvent = ({ type }: GenerateEvent) => {
      if (type === 'token' && ++tokens === 5) cancel.cancelled = true;
    };
    const stopped = await replyOf(engine, params, { cancel, onEvent });
    expect(stopped).toMatchObject({ stop: { reason: 'user' }, ids: whole.ids.slice(0, 5) });
    expect(watched.unanswered).toBe(0);

    for (const run of [1, 2, 3, 4, 9]) {
      cancel.cancelled = false;
      stopAfterRun = watched.runs + run;
      const { ids, stop } = await replyOf(engine, params, { cancel });
      expect(stop).toMatchObject({ reason: 'user' });
      expect(ids).toEqual(whole.ids.slice(0, ids.length));
      expect(watched.runs).toBe(stopAfterRun);
      expect(watched.unanswered).toBe(0);
    }
    expect((await replyOf(engine, params)).ids).toEqual(whole.ids);
  });
});

describe('a process that is lost with tokens in flight', () => {
  /** Of the prompt, of the first token, of those in flight, and later. */
  const RUNS = [1, 2, 3, 4, 5, 20];

  /** The reply continues on the CPU as if nothing had happened. */
  async function expectContinued(engine: InferenceEngine, params: GenerateParams): Promise<void> {
    expect(await replyOf(engine, params)).toEqual({ ...(await plain(params)), moves: 1 });
    expect(engine.model).toMatchObject({ executor: 'wasm' });
  }

  it.each(RUNS)('because it ended, at run %i', async (last) => {
    for (const sampling of [GREEDY, DRAWN]) {
      let kill = (): void => undefined;
      const onRun = (number: number) => {
        if (number === last) kill();
      };
      const { engine, thread } = await engineElsewhere({ onRun });
      kill = () => thread.kill();
      await expectContinued(engine, request(sampling));
    }
  });

  it.each(RUNS)('because its device was, at run %i', async (last) => {
    let runs = 0;
    const { engine } = await engineElsewhere({}, async (...taking) => {
      const executor = await choosingOnKernels(...taking);
      const run = executor.run.bind(executor);
      return Object.assign(executor, {
        run: (...parts: Parameters<typeof run>) =>
          ++runs < last ? run(...parts) : Promise.reject(new EngineError('BACKEND_LOST', 'The GPU was lost: reset.')),
      });
    });
    await expectContinued(engine, request(DRAWN));
  });

  /** Answers that are not possible. */
  const BROKEN: readonly [string, (result: RunAnswer, best: BestOfRow) => unknown][] = [
    ['nothing', () => null],
    ['something else', () => ({ rows: 1 })],
    ['no logits', (result) => ({ ...result, logits: [] })],
    ['too few logits', (result) => ({ ...result, logits: [{ values: new Float32Array(8) }] })],
    ['a text instead of logits', (result) => ({ ...result, logits: [{ values: 'logits' }] })],
    ['an id that does not exist', (result, best) => ({ ...result, logits: [{ ...best, ids: best.ids.fill(-1) }] })],
    ['fewer logits than ids', (result, best) => ({ ...result, logits: [{ ...best, logits: best.logits.slice(1) }] })],
    ['a choice that does not exist', (result, best) => ({ ...result, logits: [{ ...best, chosen: 1e6 }] })],
    ['a choice that is no number', (result, best) => ({ ...result, logits: [{ ...best, chosen: '7' }] })],
    ['no choice', (result, best) => ({ ...result, logits: [{ ...best, chosen: null }] })],
    ['a profile that nobody asked for', (result) => ({ ...result, profile: { tokens: 1 } })],
  ];

  it.each(BROKEN)('because it answers with %s', async (_name, change) => {
    const { engine } = await engineElsewhere({
      answer: ({ result, ...message }, number) =>
        number === 4 ? { ...message, result: change(result, result.logits[0] as BestOfRow) } : { ...message, result },
    });
    await expectContinued(engine, request(DRAWN));
  });

  it.each<[string, (id: number) => unknown]>([
    ['nothing', () => null],
    ['an error without a reason', (id) => ({ type: 'error', id })],
    ['an error without a code', (id) => ({ type: 'error', id, error: { message: '' } })],
  ])('because it sends %s', async (_name, message) => {
    const { engine } = await engineElsewhere({
      answer: (result, number) => (number === 4 ? message(result.id) : result),
    });
    await expectContinued(engine, request(DRAWN));
  });
});
