/** Helpers of the contract's cases. */
import { defaultGenerateParams } from '../../../engine/api/defaults.ts';
import { EngineError, type EngineErrorCode } from '../../../engine/api/errors.ts';
import type { GenerateEvent, GenerateParams } from '../../../engine/api/types.ts';
import { EngineClient } from '../client.ts';
import type { Transport } from '../../transports/transport.ts';

export interface ContractConnection {
  transport: Transport;
  /** Kills the engine's side without warning; null if that is tested elsewhere. */
  breakOff: (() => void) | null;
  /** Other tests compute at the same time and may delay most of what it does: the shortest of several times counts. */
  isBesideOthers?: boolean;
  /** Releases the connection's resources. */
  release(): void | Promise<void>;
}

export interface ContractCase {
  name: string;
  run(connection: ContractConnection): Promise<void>;
}

export const MODEL_ID = 'tiny-transformer';
export const PROMPT = 'Once upon a time, there was a little';

/** Runs until stopped: no end-of-text token, no repetition stop, more tokens than the window holds. */
export function endlessReply(changes: Partial<GenerateParams> = {}): GenerateParams {
  const params = defaultGenerateParams({ kind: 'text', text: PROMPT });
  params.sampling.seed = 1;
  params.stop = { ...params.stop, maxTokens: 5000, ignoreEos: true, repetitionWindow: 0 };
  return { ...params, ...changes };
}

export function reply(tokens: number): GenerateParams {
  const params = endlessReply();
  params.stop.maxTokens = tokens;
  return params;
}

export async function connectClient({ transport }: ContractConnection, credit?: number): Promise<EngineClient> {
  const client = new EngineClient(transport, credit === undefined ? {} : { credit });
  const { model } = await client.call('status', {});
  // Left by the previous case, if cases share an engine.
  if (model?.id === MODEL_ID && model.contextSize === 1000 && model.executor === 'wasm') return client;
  const events = await collect(client.stream('load', { modelId: MODEL_ID }));
  const loaded = events.at(-1);
  check(loaded?.type === 'loaded' && loaded.model.id === MODEL_ID, 'load ends with the model');
  return client;
}

export async function collect<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}

export function checkReply(events: readonly GenerateEvent[], tokens: number): void {
  const shape = events.map(({ type }) => type).join(' ');
  const [first, last] = [events[0], events.at(-1)];
  check(first?.type === 'start' && last?.type === 'end', `a reply is start, tokens, end, not: ${shape.slice(0, 200)}`);
  const shown = events.flatMap((event) => (event.type === 'token' ? [event.token] : []));
  equal(shown.length, events.length - 2, 'events between start and end are tokens');
  equal(shown.length, tokens, 'number of tokens');
  equal(shown.map(({ id }) => id).join(), last.ids.join(), 'ids add up to the reply, in order');
  equal(textOf(events), last.text, 'texts add up to the reply');
}

export function textOf(events: readonly GenerateEvent[]): string {
  return events.map((event) => (event.type === 'token' ? event.token.text : '')).join('');
}

export function stopReason(events: readonly GenerateEvent[]): string | null {
  const last = events.at(-1);
  return last?.type === 'end' ? last.stop.reason : null;
}

export async function failure(promise: Promise<unknown>): Promise<EngineError> {
  const outcome: unknown = await promise.then(
    () => 'no error',
    (error: unknown) => error,
  );
  if (outcome instanceof EngineError) return outcome;
  throw new Error(`Expected an EngineError, got: ${String(outcome)}`);
}

export function errorCode(message: { type: string; error?: { code: EngineErrorCode } }): EngineErrorCode | null {
  return message.type === 'error' ? (message.error?.code ?? null) : null;
}

export function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`Contract: ${what}.`);
}

export function equal(actual: unknown, expected: unknown, what: string): void {
  check(Object.is(actual, expected), `${what}: expected ${String(expected)}, got ${String(actual)}`);
}
