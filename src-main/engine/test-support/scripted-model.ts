/** A model whose next token is scripted, so that tests of the loop need no weights. */
import { EngineError } from '../api/errors.ts';
import type { Executor, RunResult } from '../executors/executor.ts';
import { HostLogits } from '../executors/logits.ts';
import { ContextWindow } from '../generation/context-window.ts';
import type { Drafter } from '../generation/drafter.ts';
import { generate, type GenerateJob } from '../generation/generate.ts';
import { readPrompt } from '../generation/prompt.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';
import type { Model } from '../models/model.ts';
import type { CancelToken, Platform } from '../api/platform.ts';
import { bestOf } from './best-logits.ts';
import type { NextChoice } from '../sampling/next-choice.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { GeneratedToken, GenerateEnd, GenerateParams, GenerateStart, TokenKind } from '../api/types.ts';

export const SCRIPTED_EOS = 1;
export const SCRIPTED_MASKED = 2;

export interface Script {
  /** Text per token id; ids 0..2 are BOS, EOS and a masked token. */
  vocabulary: string[];
  /** The id that follows `ids`, with probability 1 unless it is ruled out. */
  next(ids: readonly number[]): number;
  /** `[vocabulary]`: logits after `ids` instead of `next`. */
  logits?(ids: readonly number[]): Float32Array;
  /** How many of the best logits are read first; by default all. */
  best?: number;
  /** The token that a run chooses after `ids`; without it, runs choose none. Only for one chat. */
  choose?(ids: readonly number[], how: NextChoice): number;
  contextSize?: number;
  eosTokenIds?: number[];
  repetitionWindow?: number;
  /** Runs before every batch: advance a clock, set a cancel token, throw. */
  onRun?(tokens: number, cancel: CancelToken | undefined): void;
  /** Runs before the others than the best logits are read: throw. */
  onRead?(): void;
}

class TestClock {
  time = 0;
  now(): number {
    return this.time;
  }
}

export interface TestPlatform extends Platform {
  clock: TestClock;
  yields: number;
  warnings: string[];
}

export function testPlatform(yieldEveryToken = false): TestPlatform {
  const platform: TestPlatform = {
    clock: new TestClock(),
    yields: 0,
    warnings: [],
    log: { debug() {}, warn: (message) => platform.warnings.push(message) },
    yieldToHost() {
      platform.yields++;
      return new Promise((resolve) => setImmediate(resolve));
    },
    yieldEveryToken,
    randomSeed: () => 12_345,
  };
  return platform;
}

export interface ScriptedRun {
  start: GenerateStart;
  tokens: GeneratedToken[];
  end: GenerateEnd;
}

/** A scripted model with its context window, which persists between runs as in the engine. */
export class ScriptedEngine {
  /** Sizes of the batches run so far. */
  readonly batches: number[] = [];
  /** Batches whose token was chosen. */
  chosen = 0;
  /** For each time that only the best logits were read: whether the others were read afterwards. */
  readonly bestReads: boolean[] = [];
  readonly context: ContextWindow;
  private readonly model: Model;

  constructor(
    script: Script,
    readonly platform = testPlatform(),
    private readonly drafter?: Drafter,
  ) {
    this.model = scriptedModel(script);
    const cache = new KvCache(this.model.config.contextSize);
    const vocabularySize = script.vocabulary.length;
    /** Tokens by position, including those that the cache has no name for. */
    const computed: number[] = [];
    let lastChosen = -1;
    const executor: Pick<Executor, 'run' | 'choosesTokens'> = {
      choosesTokens: script.choose !== undefined,
      run: async ({ tokens, positions, isChosen = false }, outputs, cancel): Promise<RunResult> => {
        this.batches.push(tokens.length);
        if (isChosen) this.chosen++;
        script.onRun?.(tokens.length, cancel);
        if (cancel?.cancelled) throw new EngineError('CANCELLED', 'cancelled');
        computed.splice(positions[0], Infinity, ...(isChosen ? [lastChosen] : tokens));
        const ids = script.choose ? computed.slice() : cache.tokens(0);
        const chosen = outputs.choose && script.choose?.(ids, outputs.choose);
        lastChosen = chosen ?? -1;
        const logitsAfter = (before: readonly number[]) => {
          const logits = script.logits?.(before) ?? new Float32Array(vocabularySize).fill(-20);
          if (script.logits === undefined) logits[script.next(before)] = 20;
          if (!script.best || !outputs.bestFirst) return new HostLogits(logits);
          const at = this.bestReads.push(false) - 1;
          const best = bestOf(logits, script.best, () => {
            this.bestReads[at] = true;
            script.onRead?.();
          });
          const handle = { read: () => Promise.resolve(logits), lend: () => Promise.resolve(best) };
          return chosen === undefined ? handle : { ...handle, chosen };
        };
        return {
          logits: outputs.logits.map((row) => logitsAfter(ids.slice(0, ids.length - tokens.length + row + 1))),
          taps: new Map(),
        };
      },
    };
    this.context = new ContextWindow(executor, cache);
  }

  run(params: GenerateParams, cancel?: CancelToken): Promise<ScriptedRun> {
    return collect(this.events(params, cancel));
  }

  async *events(
    params: GenerateParams,
    cancel?: CancelToken,
    recover?: NonNullable<GenerateJob['recover']>,
  ): ReturnType<typeof generate> {
    const prompt = readPrompt(params.prompt, this.model, params.stop.maxTokens);
    const { model, context, platform } = this;
    const job: GenerateJob = {
      model,
      executor: 'reference',
      context,
      platform,
      params,
      prompt,
      seed: 1,
      loadMs: 0,
      cancel,
      ...(recover && { recover }),
    };
    yield* generate(this.drafter === undefined ? job : { ...job, drafter: this.drafter });
  }
}

/** All events of a reply, sorted. */
export async function collect(events: ReturnType<typeof generate>): Promise<ScriptedRun> {
  let start: GenerateStart | undefined;
  let end: GenerateEnd | undefined;
  const tokens: GeneratedToken[] = [];
  for await (const event of events) {
    if (event.type === 'start') start = event;
    else if (event.type === 'end') end = event;
    else if (event.type === 'token') tokens.push(event.token);
  }
  if (!start || !end) throw new Error('a reply must have a start and an end');
  return { start, tokens, end };
}

function scriptedModel(script: Script): Model {
  const tokenizer = wordTokenizer(script.vocabulary);
  return {
    id: 'scripted',
    name: 'Scripted',
    templateTokens: { bos: '', eos: '' },
    withoutTemplate: 'running_text',
    config: {
      id: 'scripted',
      name: 'Scripted',
      architecture: 'scripted',
      parameters: 0,
      fileBytes: 0,
      layers: 0,
      hiddenSize: 0,
      heads: 0,
      kvHeads: 0,
      headDim: 0,
      feedForwardSize: 0,
      vocabularySize: script.vocabulary.length,
      contextSize: script.contextSize ?? 50,
      bosTokenId: 0,
      eosTokenIds: script.eosTokenIds ?? [SCRIPTED_EOS],
      maskedTokenIds: [SCRIPTED_MASKED],
      hasChatRoles: false,
      defaultRepetitionWindow: script.repetitionWindow ?? 0,
      chatTemplate: null,
      reasoningMarks: null,
      samplingDefaults: {},
    },
    tokenizer,
    // The loop never uses these, because the executor is scripted.
    program: null as unknown as Model['program'],
    weights: null as unknown as Model['weights'],
  };
}

/** Words separated by spaces; a token's text is its entry in the vocabulary. */
export function wordTokenizer(vocabulary: readonly string[]): Tokenizer {
  const bytes = (piece: string) => new TextEncoder().encode(piece);
  const kind = (id: number): TokenKind => (id === SCRIPTED_MASKED ? 'unknown' : id < 3 ? 'control' : 'normal');
  const wordPiece = (id: number, piece: string) => ({ id, piece, bytes: Array.from(bytes(piece)), kind: kind(id) });
  const encodePieces: Tokenizer['encodePieces'] = (text, { addSpecial = true } = {}) => {
    const words = [...text.matchAll(/\S+/g)].map((match) => {
      const id = vocabulary.indexOf(match[0]);
      const range: [number, number] = [match.index, match.index + match[0].length];
      return { ...wordPiece(id === -1 ? SCRIPTED_MASKED : id, match[0]), special: false, unknown: id === -1, range };
    });
    const bos = { ...wordPiece(0, vocabulary[0]), special: true, unknown: false, range: null };
    return addSpecial ? [bos, ...words] : words;
  };
  return {
    vocabularySize: vocabulary.length,
    bosTokenId: 0,
    unkTokenId: SCRIPTED_MASKED,
    continuingPrefix: null,
    merges: () => [],
    encodePieces,
    encode: (text, options) => encodePieces(text, options).map(({ id }) => id),
    decode: (ids) => ids.map((id) => vocabulary[id]).join(''),
    piece: (id) => vocabulary[id],
    bytes: (id) => bytes(vocabulary[id]),
    kind,
    isSpecial: (id) => id < 3,
    stream: () => ({ pending: false, push: (id) => vocabulary[id], flush: () => '' }),
  };
}
