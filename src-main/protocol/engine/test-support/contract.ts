/**
 * Requirements for every connection to the engine. Plain functions without a test framework, so that the same cases run
 * in Node and inside a page. They need the real engine with the built-in model.
 */
import type { GenerateEvent } from '../../../engine/api/types.ts';
import { PROTOCOL_VERSION } from '../api.ts';
import { askInside } from '../ask-inside.ts';
import { COMPARE_CASES } from './compare-cases.ts';
import {
  check,
  checkReply,
  collect,
  connectClient,
  type ContractCase,
  endlessReply,
  PROMPT,
  equal,
  errorCode,
  failure,
  MODEL_ID,
  reply,
  stopReason,
  textOf,
} from './contract-support.ts';
import { delay, RawClient } from './raw-client.ts';

export type { ContractCase, ContractConnection } from './contract-support.ts';

/** Maximum time to react to Stop, ms. */
const STOP_WITHIN_MS = 100;
/** Other load may delay one or two of them. */
const STOP_SAMPLES = 5;

export const CONTRACT_CASES: readonly ContractCase[] = [
  {
    name: 'answers calls',
    async run(connection) {
      const client = await connectClient(connection);
      const { ids } = await client.call('tokenize', { text: 'hello world', addBos: false, parseSpecial: false });
      const { text } = await client.call('detokenize', { ids, skipSpecial: true });
      equal(text, 'hello world', 'detokenize undoes tokenize');
      const status = await client.call('status', {});
      equal(status.model?.contextSize, 1000, 'status describes the model');
      equal(status.busy, false, 'nothing runs');
      const score = await client.call('score', { prompt: { kind: 'ids', ids }, top: 3 });
      equal(score.top.length, ids.length, 'score looks at every position');
    },
  },
  {
    name: 'branches: continues token ids of a reply with a chosen token, from the cache',
    async run(connection) {
      const client = await connectClient(connection);
      const messages = [{ role: 'user' as const, text: PROMPT }];
      const whole = await collect(
        client.stream('generate', { ...reply(12), prompt: { kind: 'chat', messages }, topCandidates: 20 }),
      );
      const tokens = whole.flatMap((event) => (event.type === 'token' ? [event.token] : []));
      const replyIds = tokens.slice(0, 6).map(({ id }) => id);
      const firstToken = tokens[6]?.candidates[5]?.id ?? -1;
      const prompt = { kind: 'chat', messages, replyIds } as const;
      const branch = await collect(client.stream('generate', { ...reply(3), prompt, topCandidates: 20, firstToken }));
      const [start, first, last] = [branch[0], branch[1], branch.at(-1)];
      if (start?.type !== 'start' || first?.type !== 'token' || last?.type !== 'end') {
        throw new Error('not a whole reply');
      }
      equal(start.promptIds.slice(-6).join(), replyIds.join(), 'the ids are used as they are');
      equal(start.reusedTokens, start.promptIds.length - 1, 'nothing is prefilled again');
      equal(first.token.id, firstToken, 'the chosen token comes first');
      equal(first.token.rank, 6, 'with its own numbers');
      equal(first.token.logprob, tokens[6]?.candidates[5]?.logprob, 'which are those of the candidate');
      equal(last.ids.length, 4, 'and the model continues it');
      const score = await client.call('score', { prompt, top: 0, last: 6 });
      equal(score.entropies.length, 7, 'the ids are scored alone');
    },
  },
  {
    name: 'renders a chat as the model would read it',
    async run(connection) {
      const client = await connectClient(connection);
      const messages = [{ role: 'user' as const, text: 'hello' }];
      const running = await client.call('renderChat', { messages });
      equal(running.text, 'hello', 'a model without roles reads a running text');
      const { text, ids, tokens, segments } = await client.call('renderChat', {
        messages,
        template: { kind: 'plain' },
      });
      equal(text, 'User: hello\nAssistant:', 'the plain template names the roles');
      equal(tokens.length, ids.length, 'every id is described');
      equal(segments.map(({ message }) => message).join(), '0', 'messages are counted');
    },
  },
  {
    name: 'answers about the inside of a run with typed arrays',
    async run(connection) {
      const client = await connectClient(connection);
      const run = { ids: [0, 593, 580], interventions: [] };
      const query = { kind: 'attention', layer: 1, head: 2, from: 0, to: 3 } as const;
      const { weights, scores, context } = await askInside(client, run, query);
      equal(weights.constructor.name, 'Float32Array', 'weights');
      equal(scores.constructor.name, 'Float64Array', 'scores');
      check(Math.abs(weights.subarray(0, context).reduce((sum, weight) => sum + weight, 0) - 1) < 1e-6, 'a row is 1');
      const error = await failure(askInside(client, run, { ...query, head: 4 }));
      equal(error.message, 'query.head must be from 0 to 3, not 4.', 'the range');
      const { bytes } = await client.call('releaseInside', {});
      check(bytes > 0, 'something was remembered');
      equal((await client.call('releaseInside', {})).bytes, 0, 'and is released');
    },
  },
  {
    name: 'describes a model without loading it, and loads it for another context',
    async run(connection) {
      const client = await connectClient(connection);
      const description = await client.call('describe', { modelId: MODEL_ID });
      equal(description.contextSize, 1000, 'the largest context');
      equal(description.problem, null, 'nothing is wrong with it');
      check(
        description.memory.every(({ total }) => total > 0),
        'it needs memory',
      );
      const error = await failure(client.call('describe', { modelId: 'no-such-model' }));
      equal(error.code, 'MODEL_NOT_FOUND', 'code');
      const tooLarge = await failure(collect(client.stream('load', { modelId: MODEL_ID, contextSize: 1001 })));
      equal(tooLarge.code, 'BAD_REQUEST', 'code of a context that the model does not have');
      await collect(client.stream('load', { modelId: MODEL_ID, contextSize: 300 }));
      equal((await client.call('status', {})).model?.contextSize, 300, 'the context that was asked for');
      await collect(client.stream('load', { modelId: MODEL_ID, contextSize: 1000 }));
      equal((await client.call('status', {})).model?.contextSize, 1000, 'and back');
    },
  },
  {
    name: 'computes with the CPU kernels unless the other executor is asked for, and says where the time goes',
    async run(connection) {
      const client = await connectClient(connection);
      const { model } = await client.call('status', {});
      equal(model?.executor, 'wasm', 'the default executor');
      const variant = model?.kernels?.variant ?? 'none';
      check(['threads', 'wide'].includes(variant), 'pages and processes here share memory between threads');
      equal(model?.kernels?.kvCacheType, 'f32', 'as exact as the weights');
      const { prefill, decode } = await client.call('profile', { prompt: 20, context: 5, generate: 3 });
      equal(`${prefill.tokens} ${decode.tokens}`, '20 3', 'tokens that were measured');
      check(
        [prefill, decode].every(({ ops }) => ops.some(({ name, bytes }) => name.startsWith('linear') && bytes > 0)),
        'operations with what they read',
      );
      const load = { modelId: MODEL_ID, executor: 'reference' } as const;
      await collect(client.stream('load', load));
      const plain = (await client.call('status', {})).model;
      equal(`${plain?.executor} ${plain?.kernels}`, 'reference null', 'the other executor');
      const error = await failure(client.call('profile', { prompt: 20, context: 5, generate: 3 }));
      equal(error.code, 'BAD_REQUEST', 'only the kernels are measured');
      await collect(client.stream('load', { modelId: MODEL_ID, executor: 'wasm', kvCacheType: 'f16' }));
      equal((await client.call('status', {})).model?.kernels?.kvCacheType, 'f16', 'the type that was asked for');
      await collect(client.stream('load', { modelId: MODEL_ID, executor: 'wasm', kvCacheType: 'f32' }));
    },
  },
  {
    name: 'hashes the files that the model was read from',
    async run(connection) {
      const client = await connectClient(connection);
      const { files } = await client.call('hashModel', {});
      equal(files.map(({ name }) => name).join(), 'config.json,model.safetensors,tokenizer.json', 'the files');
      check(
        files.every(({ bytes, sha256 }) => bytes > 0 && /^[0-9a-f]{64}$/.test(sha256)),
        'each has bytes and a SHA-256',
      );
      equal(JSON.stringify(await client.call('hashModel', {})), JSON.stringify({ files }), 'the same the next time');
    },
  },
  {
    name: 'checks a grammar and says where it is wrong',
    async run(connection) {
      const client = await connectClient(connection);
      const check = (source: string) => client.call('checkGrammar', { grammar: { kind: 'gbnf', source } });
      equal((await check('root ::= "yes" | "no"')).problem, null, 'a good grammar');
      const { problem } = await check('root ::= item\nitem ::= itm');
      equal(`${problem?.line}:${problem?.column}`, '2:10', 'the place of an unknown rule');
    },
  },
  {
    name: 'carries errors with their code over the border',
    async run(connection) {
      const client = await connectClient(connection);
      const error = await failure(collect(client.stream('load', { modelId: 'no-such-model' })));
      equal(error.code, 'MODEL_NOT_FOUND', 'code');
      check(error.message.includes('no-such-model'), 'the message names the model');
      equal((await client.call('status', {})).model?.id, MODEL_ID, 'the loaded model stays');
    },
  },
  {
    name: 'refuses invalid messages and still works',
    async run({ transport }) {
      const raw = new RawClient(transport);
      for (const message of [null, 5, 'text', [], {}, { type: 'open' }, { type: 'cancel', id: -1 }]) raw.post(message);
      raw.post({ type: 'call', id: 1, method: 'no-such-method', params: {} });
      raw.post({ type: 'call', id: 2, method: 'tokenize', params: null });
      raw.post({ type: 'open', id: 3, method: 'generate', params: endlessReply(), credit: 'much' });
      raw.post({ type: 'call', id: 4, method: 'status', params: {} });
      for (const id of [1, 2, 3]) equal(errorCode(await raw.closing(id)), 'BAD_REQUEST', `answer to message ${id}`);
      equal((await raw.closing(4)).type, 'result', 'the next request is answered');
    },
  },
  {
    name: 'refuses NaN and infinity in sampling values by name',
    async run(connection) {
      const client = await connectClient(connection);
      for (const value of [NaN, Infinity]) {
        const params = reply(1);
        params.sampling.temperature = value;
        const error = await failure(collect(client.stream('generate', params)));
        equal(error.code, 'BAD_REQUEST', 'code');
        equal(error.details.field, 'sampling.temperature', 'field');
      }
      equal((await collect(client.stream('generate', reply(1)))).at(-1)?.type, 'end', 'the next reply');
    },
  },
  {
    name: 'refuses a client of another version',
    async run({ transport }) {
      const raw = new RawClient(transport, PROTOCOL_VERSION + 1);
      raw.post({ type: 'call', id: 1, method: 'status', params: {} });
      equal(errorCode(await raw.closing(1)), 'BAD_REQUEST', 'answer');
      equal(raw.received[0].type, 'hello', 'the engine says which version it speaks');
    },
  },
  {
    name: 'streams every token in order, and the texts add up to the reply',
    async run(connection) {
      const client = await connectClient(connection);
      const events = await collect(client.stream('generate', reply(150)));
      checkReply(events, 150);
      const again = await collect(client.stream('generate', reply(150)));
      equal(textOf(again), textOf(events), 'the same seed gives the same text');
    },
  },
  {
    name: 'closes a stream exactly once',
    async run({ transport }) {
      const raw = new RawClient(transport);
      raw.post({ type: 'open', id: 1, method: 'load', params: { modelId: MODEL_ID }, credit: 1000 });
      await raw.closing(1);
      raw.post({ type: 'open', id: 2, method: 'generate', params: reply(20), credit: 1000 });
      raw.post({ type: 'open', id: 3, method: 'generate', params: { ...reply(1), topCandidates: -1 }, credit: 1000 });
      equal((await raw.closing(2)).type, 'end', 'a whole reply');
      equal((await raw.closing(3)).type, 'error', 'a refused one');
      raw.post({ type: 'cancel', id: 2 });
      await delay(100);
      for (const id of [1, 2, 3]) {
        equal(raw.of(id).filter(({ type }) => type !== 'chunk').length, 1, `closing messages of stream ${id}`);
        check(raw.of(id).at(-1)?.type !== 'chunk', 'nothing comes after the closing message');
      }
    },
  },
  {
    name: `answers a stop within ${STOP_WITHIN_MS} ms, without the cache`,
    async run(connection) {
      const client = await connectClient(connection);
      const waits: number[] = [];
      for (let sample = 0; sample < STOP_SAMPLES; sample++) {
        const controller = new AbortController();
        const { signal } = controller;
        const events: GenerateEvent[] = [];
        let stoppedAt = 0;
        for await (const event of client.stream('generate', endlessReply({ useKvCache: false }), { signal })) {
          events.push(event);
          if (events.length === 20 + 5 * sample) {
            stoppedAt = performance.now();
            controller.abort();
          }
        }
        waits.push(performance.now() - stoppedAt);
        const last = events.at(-1);
        check(last?.type === 'end' && last.stop.reason === 'user', 'the reply ends as stopped by the user');
        equal(textOf(events), last.text, 'nothing that was generated is lost');
      }
      const median = Math.floor(STOP_SAMPLES / 2);
      const [counted] = waits.toSorted((a, b) => a - b).slice(connection.isBesideOthers === true ? 0 : median);
      check(counted < STOP_WITHIN_MS, `stops took ${waits.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    },
  },
  {
    name: 'cancels a reply that waits for its turn, and no other',
    async run(connection) {
      const client = await connectClient(connection);
      const first = new AbortController();
      const second = new AbortController();
      const running = collect(client.stream('generate', endlessReply({ useKvCache: false }), { signal: first.signal }));
      const waiting = failure(collect(client.stream('generate', reply(5), { signal: second.signal })));
      const third = collect(client.stream('generate', reply(5)));
      await delay(30);
      second.abort();
      equal((await waiting).code, 'CANCELLED', 'the waiting reply');
      equal((await client.call('status', {})).busy, true, 'the running reply goes on');
      first.abort();
      equal(stopReason(await running), 'user', 'the running reply, stopped later');
      equal(stopReason(await third), 'max_tokens', 'the reply behind them');
    },
  },
  {
    name: 'stops the engine when the loop is left early',
    async run(connection) {
      const client = await connectClient(connection, 1);
      const before = await client.call('status', {});
      let tokens = 0;
      for await (const event of client.stream('generate', endlessReply({ useKvCache: false }))) {
        if (event.type === 'token' && ++tokens === 3) break;
      }
      checkReply(await collect(client.stream('generate', reply(5))), 5);
      const after = await client.call('status', {});
      // A reply that is not stopped fills the window, and computes half a million tokens.
      check(after.computedTokens - before.computedTokens < 100_000, 'the engine is free soon after');
    },
  },
  {
    name: 'holds back events that the reader has no credit for, and loses nothing',
    async run({ transport }) {
      const raw = new RawClient(transport);
      raw.post({ type: 'open', id: 1, method: 'load', params: { modelId: MODEL_ID }, credit: 1000 });
      await raw.closing(1);
      // The start and the first token are sent at once. With more credit, a reply shorter than a frame would be sent
      // completely.
      raw.post({ type: 'open', id: 2, method: 'generate', params: reply(200), credit: 2 });
      // Its turn comes when the reply has been generated, read or not.
      raw.post({ type: 'open', id: 3, method: 'generate', params: reply(1), credit: 1000 });
      await raw.closing(3);
      equal(raw.chunks(2).length, 2, 'chunks without more credit');
      equal(raw.of(2).length, 2, 'the end waits for the events before it');
      raw.post({ type: 'credit', id: 2, credit: 1 });
      equal((await raw.closing(2)).type, 'end', 'closing message');
      equal(raw.chunks(2).length, 3, 'the rest comes as one chunk');
      checkReply(raw.chunks(2).flat() as GenerateEvent[], 200);
    },
  },
  {
    name: 'refuses a prompt of 1 MB that no window holds, and still works',
    async run(connection) {
      const client = await connectClient(connection);
      const text = 'once upon a time '.repeat(62_000);
      const params = { ...reply(1), prompt: { kind: 'text', text } as const };
      const error = await failure(collect(client.stream('generate', params)));
      equal(error.code, 'CONTEXT_FULL', 'code');
      check(error.message.includes('1000'), 'the message names the size of the window');
      checkReply(await collect(client.stream('generate', reply(3))), 3);
    },
  },
  {
    name: 'reports BACKEND_LOST when the engine crashes during a reply',
    async run(connection) {
      if (connection.breakOff === null) return;
      const client = await connectClient(connection);
      const events: GenerateEvent[] = [];
      const run = (async () => {
        for await (const event of client.stream('generate', endlessReply({ useKvCache: false }))) {
          events.push(event);
          if (events.length === 5) connection.breakOff?.();
        }
      })();
      equal((await failure(run)).code, 'BACKEND_LOST', 'the reply');
      check(events.length >= 5, 'what was generated was delivered');
      await client.closed;
      equal((await failure(client.call('status', {}))).code, 'BACKEND_LOST', 'a later call');
    },
  },
  ...COMPARE_CASES,
];
