import type {
  ExecutorName,
  GenerateEnd,
  GenerateStart,
  GeneratedToken,
  PromptSegment,
  SamplingParams,
  Stop,
  Timings,
} from '../../../src-main/engine/types.ts';
import type { ReplyVersion } from '../../../src-main/protocol/app-services.ts';
import { timingsFrom } from './statistics.ts';

/** Tokens drawn as one component: what is full is never looked at again while the reply grows. */
export const BLOCK_TOKENS = 64;

/** `waiting`: for the engine or for another reply; `reading`: the prompt; `writing`: tokens arrive. */
export type ReplyPhase = 'waiting' | 'reading' | 'writing' | 'done';

/** Tokens that follow each other and belong to the same: the answer, or what the model thought before it. */
export interface ReplySection {
  kind: 'answer' | 'reasoning';
  /** Index of its first token. */
  first: number;
  blocks: readonly (readonly GeneratedToken[])[];
}

const kindOf = (token: GeneratedToken | undefined) => (token?.part === 'answer' ? 'answer' : 'reasoning');

/** One version of an answer, as it grows and afterwards. */
export class Reply {
  readonly createdAt: string;
  sampling: SamplingParams;
  /** Name of the model that wrote it, or its latest run; empty where that was not recorded. */
  model: string;
  executor: ExecutorName;

  phase = $state<ReplyPhase>('done');
  /** How many tokens `tokens` holds: what depends on it is looked at again once a frame. */
  count = $state(0);
  /** The tokens in blocks of at most `BLOCK_TOKENS` of one kind. Full blocks keep their identity. */
  blocks = $state.raw<readonly (readonly GeneratedToken[])[]>([]);
  stop = $state.raw<Stop | null>(null);
  timings = $state.raw<Timings | null>(null);
  seed = $state(0);
  segments = $state.raw<readonly PromptSegment[]>([]);
  /** What a person should know about how the prompt was made. */
  notices = $state.raw<readonly string[]>([]);
  /** Whether the reasoning is unfolded. */
  reasoningOpen = $state(false);
  /** BOS included; after Continue this counts what had been written before. */
  promptTokens = $state(0);
  contextUsed = $state(0);
  /** Tokens of the prompt that were in the cache. */
  reusedTokens = $state(0);
  /** Index of the first token of the latest run: not 0 after Continue. */
  runStart = $state(0);

  readonly #tokens: GeneratedToken[] = [];
  #contextSize = Infinity;
  /** What a stored reply says where its tokens were lost. */
  #storedText = '';

  constructor(facts: { createdAt: string; sampling: SamplingParams; model?: string; executor?: ExecutorName }) {
    this.createdAt = facts.createdAt;
    this.sampling = facts.sampling;
    this.model = facts.model ?? '';
    this.executor = facts.executor ?? 'reference';
  }

  static from(stored: ReplyVersion): Reply {
    const reply = new Reply(stored);
    reply.#storedText = stored.text;
    reply.append(stored.tokens);
    reply.stop = stored.stop;
    reply.timings = stored.timings;
    reply.seed = stored.seed;
    reply.segments = stored.segments;
    reply.notices = stored.notices;
    reply.promptTokens = stored.promptTokens;
    reply.contextUsed = stored.contextUsed;
    // The window holds the prompt and what the latest run added: so many of the tokens are its own.
    const latestRun = stored.contextUsed - stored.promptTokens;
    reply.runStart = Math.max(0, stored.tokens.length - Math.max(0, latestRun));
    return reply;
  }

  /** Append only. Not reactive by itself: read `count` too. */
  get tokens(): readonly GeneratedToken[] {
    return this.#tokens;
  }

  get text(): string {
    if (this.count === 0) return this.#storedText;
    return this.#tokens.map((token) => token.text).join('');
  }

  /** The text without what the model thought before it. */
  get answer(): string {
    if (this.count === 0 || this.#tokens.every((token) => token.part === 'answer')) return this.text;
    const answer = this.#tokens.filter((token) => token.part === 'answer');
    return answer
      .map((token) => token.text)
      .join('')
      .trimStart();
  }

  /** The blocks, gathered by what they belong to. */
  get sections(): ReplySection[] {
    const sections: ReplySection[] = [];
    for (const block of this.blocks) {
      const last = sections.at(-1);
      const kind = kindOf(block[0]);
      if (last?.kind === kind) sections[sections.length - 1] = { ...last, blocks: [...last.blocks, block] };
      else sections.push({ kind, first: block[0]?.index ?? 0, blocks: [block] });
    }
    return sections;
  }

  /** How long the tokens from `first` on took, ms. The first of a run waited for the prompt to be read; it is left out. */
  timeOf(first: number, count: number): number {
    const tokens = this.#tokens.slice(first, first + count).filter(({ index }) => index !== this.runStart);
    return tokens.reduce((sum, { latencyMs }) => sum + latencyMs, 0);
  }

  get running(): boolean {
    return this.phase !== 'done';
  }

  /** Restored from a chat that was closed, or lost, while this reply was written. */
  get interrupted(): boolean {
    return this.phase === 'done' && this.stop === null;
  }

  /** Sampling and seed of the latest run count for the whole version. */
  begin(sampling: SamplingParams): void {
    this.phase = 'waiting';
    this.stop = null;
    this.timings = null;
    this.sampling = sampling;
    this.runStart = this.#tokens.length;
  }

  started(start: GenerateStart): void {
    this.phase = 'reading';
    this.seed = start.seed;
    this.executor = start.executor;
    this.segments = start.segments;
    this.notices = start.notices;
    this.promptTokens = start.promptIds.length;
    this.#contextSize = start.contextSize;
    this.contextUsed = start.promptIds.length;
    this.reusedTokens = start.reusedTokens;
  }

  /** Numbers the tokens on from those that are there. */
  append(tokens: readonly GeneratedToken[]): void {
    if (tokens.length === 0) return;
    if (this.phase !== 'done') this.phase = 'writing';
    const blocks = [...this.blocks];
    for (let from = 0; from < tokens.length;) {
      const last = blocks.at(-1);
      const kind = kindOf(tokens[from]);
      const room = last === undefined || kindOf(last[0]) !== kind ? 0 : BLOCK_TOKENS - last.length;
      const next = tokens.slice(from, from + (room > 0 ? room : BLOCK_TOKENS));
      const other = next.findIndex((token) => kindOf(token) !== kind);
      const part = (other < 0 ? next : next.slice(0, other)).map((token, offset) => ({
        ...token,
        index: this.#tokens.length + offset,
      }));
      this.#tokens.push(...part);
      if (room > 0 && last !== undefined) blocks[blocks.length - 1] = [...last, ...part];
      else blocks.push(part);
      from += part.length;
    }
    this.blocks = blocks;
    this.count = this.#tokens.length;
    if (this.phase === 'done') return;
    // A reply that goes on in a full window leaves out what is oldest; the end says how much is there then.
    this.contextUsed = Math.min(this.promptTokens + this.count - this.runStart, this.#contextSize);
  }

  finished(end: GenerateEnd): void {
    this.stop = end.stop;
    this.timings = end.timings;
    this.seed = end.seed;
    this.contextUsed = end.contextUsed;
    this.phase = 'done';
  }

  /** Ends without the engine's own account of it: it could not begin, or it is gone. */
  failed(stop: Stop): void {
    this.stop = stop;
    this.timings = timingsFrom(this.latencies());
    this.phase = 'done';
  }

  /** Ms per token of the latest run; the first holds the reading of the prompt. */
  latencies(): number[] {
    return this.#tokens.slice(this.runStart, this.count).map((token) => token.latencyMs);
  }

  toStored(): ReplyVersion {
    return {
      text: this.text,
      tokens: [...this.#tokens],
      stop: this.stop,
      timings: this.timings,
      seed: this.seed,
      sampling: this.sampling,
      model: this.model,
      executor: this.executor,
      segments: [...this.segments],
      notices: [...this.notices],
      promptTokens: this.promptTokens,
      contextUsed: this.contextUsed,
      createdAt: this.createdAt,
    };
  }
}
