import type { GenerateEvent, GenerateParams, LanesEvent } from '../../../engine/api/types.ts';
import {
  check,
  checkReply,
  collect,
  connectClient,
  type ContractCase,
  endlessReply,
  equal,
  failure,
  MODEL_ID,
  reply,
  stopReason,
} from './contract-support.ts';
import { delay } from './raw-client.ts';

/** Recomputes the whole sequence for each token, so that there is time to stop it. */
function slowReply(seed: number): GenerateParams {
  return withSeed(endlessReply({ useKvCache: false }), seed);
}

function withSeed(params: GenerateParams, seed: number): GenerateParams {
  return { ...params, sampling: { ...params.sampling, seed } };
}

function lanesOf(events: readonly LanesEvent[], count: number): GenerateEvent[][] {
  equal(events[0]?.type, 'prefill', 'the first event says what the lanes share');
  const lanes: GenerateEvent[][] = Array.from({ length: count }, () => []);
  for (const event of events.slice(1)) {
    check(event.type === 'lane', 'all other events are those of lanes');
    lanes[event.lane].push(event.event);
  }
  return lanes;
}

function idsOf(events: readonly GenerateEvent[]): string {
  const last = events.at(-1);
  return last?.type === 'end' ? last.ids.join() : 'no end';
}

/** Cases for `compare` and `stopLane`. */
export const COMPARE_CASES: readonly ContractCase[] = [
  {
    name: 'compares lanes, each of which gives the same reply as alone',
    async run(connection) {
      const client = await connectClient(connection);
      const lanes = [1, 2, 3].map((seed) => withSeed(reply(20 + seed), seed));
      const replies = lanesOf(await collect(client.stream('compare', { key: 'lanes', lanes })), 3);
      for (const [lane, events] of replies.entries()) {
        checkReply(events, 21 + lane);
        equal(idsOf(events), idsOf(await collect(client.stream('generate', lanes[lane]))), `ids of lane ${lane}`);
      }
    },
  },
  {
    name: 'computes the common prefix of all prompts once',
    async run(connection) {
      const client = await connectClient(connection);
      const prompt = { kind: 'text', text: `Lanes that share a prompt, ${Math.random()}` } as const;
      // The only token of each reply is not computed, only drawn.
      const lanes = [1, 2, 3, 4].map((seed) => withSeed({ ...reply(1), prompt }, seed));
      const before = await client.call('status', {});
      const events = await collect(client.stream('compare', { key: 'prefill', lanes }));
      const after = await client.call('status', {});
      const [prefill] = events;
      check(prefill?.type === 'prefill', 'the first event says what was shared');
      const { sharedTokens, reusedTokens, computedTokens } = prefill;
      const starts = events.flatMap((each) =>
        each.type === 'lane' && each.event.type === 'start' ? [each.event] : [],
      );
      equal(starts.length, 4, 'each lane starts');
      const tokens = starts[0].promptIds.length;
      equal(sharedTokens, tokens - 1, 'all but the last token of the prompt, whose logits are requested');
      equal(computedTokens, tokens - reusedTokens, 'the prompt is to be computed once');
      equal(after.computedTokens - before.computedTokens, computedTokens, 'and is computed once');
      for (const start of starts) equal(start.reusedTokens, sharedTokens, 'each lane continues from it');
    },
  },
  {
    name: 'stops one lane of a compare, and the others continue',
    async run(connection) {
      const client = await connectClient(connection);
      const controller = new AbortController();
      const lanes = [slowReply(1), slowReply(2)];
      const events: LanesEvent[] = [];
      const answers: boolean[] = [];
      let after = 0;
      const stop = async (lane: number) => answers.push((await client.call('stopLane', { key: 'one', lane })).stopped);
      for await (const event of client.stream('compare', { key: 'one', lanes }, { signal: controller.signal })) {
        events.push(event);
        if (event.type !== 'lane') continue;
        if (event.lane === 0 && events.length === 12) void stop(0);
        if (event.lane === 0 && event.event.type === 'end') after = events.length;
        if (after > 0 && events.length === after + 10) controller.abort();
      }
      const replies = lanesOf(events, 2);
      equal(answers.join(), 'true', 'the answer came while the compare was running');
      equal(stopReason(replies[0]), 'user', 'the lane that was stopped');
      equal(stopReason(replies[1]), 'user', 'the lane that continued until the compare was cancelled');
      check(replies[1].length > replies[0].length, 'the other lane continued');
      equal((await client.call('stopLane', { key: 'one', lane: 0 })).stopped, false, 'a compare that is over');
    },
  },
  {
    name: 'ends every lane of a compare that is cancelled, and cancels one that is queued',
    async run(connection) {
      const client = await connectClient(connection);
      const running = new AbortController();
      const waiting = new AbortController();
      const lanes = [1, 2, 3].map(slowReply);
      const first = collect(client.stream('compare', { key: 'first', lanes }, { signal: running.signal }));
      const second = failure(collect(client.stream('compare', { key: 'second', lanes }, { signal: waiting.signal })));
      await delay(50);
      waiting.abort();
      equal((await second).code, 'CANCELLED', 'the queued compare');
      running.abort();
      for (const events of lanesOf(await first, 3)) equal(stopReason(events), 'user', 'a lane of the other');
    },
  },
  {
    name: 'refuses a compare of no lanes, of too many, and with a key that is in use',
    async run(connection) {
      const client = await connectClient(connection);
      for (const count of [0, 9]) {
        const lanes = Array.from({ length: count }, () => reply(1));
        const error = await failure(collect(client.stream('compare', { key: 'count', lanes })));
        equal(error.code, 'BAD_REQUEST', `code for ${count} lanes`);
      }
      const controller = new AbortController();
      const { signal } = controller;
      const first = collect(client.stream('compare', { key: 'twice', lanes: [slowReply(1)] }, { signal }));
      const error = await failure(collect(client.stream('compare', { key: 'twice', lanes: [reply(1)] })));
      equal(error.code, 'BAD_REQUEST', 'code for a second compare with the key');
      controller.abort();
      equal(stopReason(lanesOf(await first, 1)[0]), 'user', 'the first continues until it is cancelled');
      equal((await client.call('status', {})).model?.id, MODEL_ID, 'the engine still works');
    },
  },
];
