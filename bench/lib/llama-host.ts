/**
 * node-llama-cpp as the bench measures it: answers the same calls as Tokenscope's own bench-host.ts, as far as the two
 * are compared.
 */
import { stat } from 'node:fs/promises';
import { answerTo } from '../../src-main/hosts/node/bench/answer.ts';
import type { BenchCalls, BenchModel, BenchRequest } from '../../src-main/hosts/node/bench/bench-messages.ts';
import { send } from '../../src-main/hosts/node/bench/json-socket.ts';
import { describeMachine } from '../../src-main/hosts/node/bench/machine.ts';
import { peakMemory, residentMemory } from '../../src-main/hosts/node/bench/process-memory.ts';
import { contextOf, freshPrompt } from '../../src-main/hosts/node/bench/prompt-ids.ts';
import { serveBench } from '../../src-main/hosts/node/bench/serve-bench.ts';
import { type LlamaSequence, startLlama } from './node-llama-cpp.ts';

/** Ids below this exist in every benchmarked model. */
const VOCABULARY = 2000;

/**
 * Maximum time of decoding, after which the tokens so far count: under load llama.cpp's threads wait for each other so
 * long that a token takes seconds.
 */
const MOST_MS = 10_000;

let idleBytes = 0;
let sequence: LlamaSequence | null = null;

async function load({ path, threads, contextSize: wanted }: BenchCalls['load']['params']): Promise<BenchModel> {
  const llama = await startLlama();
  idleBytes = residentMemory();
  const started = performance.now();
  const model = await llama.loadModel({ modelPath: path, gpuLayers: 0 });
  const contextSize = Math.min(wanted, model.trainContextSize);
  const context = await model.createContext({ contextSize, ...(threads === null ? {} : { threads }) });
  sequence = context.getSequence();
  return {
    name: model.fileInfo.metadata.general.name ?? path,
    fileBytes: (await stat(path)).size,
    vocabularySize: VOCABULARY,
    executor: 'llama.cpp',
    kernels: null,
    threads: threads ?? 0,
    choices: null,
    loadMs: performance.now() - started,
    contextSize,
    weightBytes: null,
    kvBytes: null,
  };
}

function loaded(): LlamaSequence {
  if (sequence === null) throw new Error('No model is loaded.');
  return sequence;
}

async function prefill({ tokens }: BenchCalls['prefill']['params']): Promise<number> {
  const sequence = loaded();
  await sequence.clearHistory();
  const ids = freshPrompt(tokens, VOCABULARY);
  const started = performance.now();
  await sequence.evaluateWithoutGeneratingNewTokens(ids);
  return (1000 * tokens) / (performance.now() - started);
}

/** The sequence's current context length, 0 for none. */
let held = 0;

async function decode({ context, tokens }: BenchCalls['decode']['params']): Promise<number> {
  const sequence = loaded();
  const ids = contextOf(context, VOCABULARY);
  if (held === context) {
    await sequence.eraseContextTokenRanges([{ start: context - 1, end: sequence.nextTokenIndex }]);
  } else {
    await sequence.clearHistory();
    await sequence.evaluateWithoutGeneratingNewTokens(ids.slice(0, -1));
    held = context;
  }
  let started = 0;
  let count = -1;
  for await (const _ of sequence.evaluate(ids.slice(-1), { temperature: 0, yieldEogToken: true })) {
    // The first token's time counts as prefill, as for Tokenscope.
    if (++count === 0) started = performance.now();
    if (count === tokens || (count > 0 && performance.now() - started > MOST_MS)) break;
  }
  return (1000 * count) / (performance.now() - started);
}

async function run({ call, params }: BenchRequest): Promise<unknown> {
  if (call !== 'decode') held = 0;
  switch (call) {
    case 'machine':
      return describeMachine();
    case 'load':
      return load(params);
    case 'prefill':
      return prefill(params);
    case 'decode':
      return decode(params);
    case 'peakBytes':
      return peakMemory() - idleBytes;
    case 'lanes':
    case 'profile':
    case 'ceilings':
      throw new Error(`${call} cannot be measured here.`);
  }
}

const socket = serveBench((request) => void answerTo(() => run(request)).then((answer) => send(socket, answer)));
