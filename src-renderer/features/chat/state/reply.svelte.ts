import type {
  DroppedTokens,
  ExecutorName,
  GeneratedToken,
  GenerateEnd,
  GenerateStart,
  MovedReply,
  PromptSegment,
  ReplyPart,
  SamplingParams,
  Stop,
  Timings,
} from '../../../../src-main/engine/api/types.ts';
import { appendColumns, noTokens, sliceColumns } from '../../../../src-main/protocol/app/chats/token-columns.ts';
import {
  REPLY_PARTS,
  type ChatEvent,
  type ReplyFacts,
  type StoredReplyTurn,
  type StoredStop,
  type TokenColumns,
  type TokenDetails,
} from '../../../../src-main/protocol/app/chats/chat.ts';
import { GrowingText } from './growing-text.ts';
import { PrefillEstimate, type PrefillProgress } from './prefill-estimate.ts';
import { DecodeTimes, reusedTokensOf, RunStatistics } from './statistics.ts';
import { sectionKind, TextBlocks, type ReplySection, type TextBlock } from './text-blocks.ts';
import { ReplyDetails, type LoadDetails } from './token-details.svelte.ts';

/** `waiting`: for the engine or another reply; `reading`: prefill; `writing`: decode. */
export type ReplyPhase = 'waiting' | 'reading' | 'writing' | 'done';

/** A token as shown. Its details have the other candidates. */
export interface ReplyToken {
  index: number;
  id: number;
  text: string;
  part: ReplyPart;
  /** Natural log of the model's own probability. */
  logprob: number;
  /** Time from the previous token, ms. */
  latencyMs: number;
}

/** Tokens of a reply that are not saved yet. */
export interface NewTokens {
  from: number;
  text: string;
  tokens: TokenColumns;
  details: TokenDetails[];
}

/** How long another page counts as generating after its last sign of life, ms. */
const ELSEWHERE_MS = 10_000;
const PART_INDEX = new Map<ReplyPart, number>(REPLY_PARTS.map((part, index) => [part, index]));

const isReasoning = (part: number) => REPLY_PARTS[part] !== 'answer';

/** A reply, while it grows and afterwards. The cost of a token does not depend on their number. */
export class Reply {
  readonly role = 'assistant';
  readonly id: string;
  readonly parent: string | null;
  readonly createdAt: string;

  phase = $state<ReplyPhase>('done');
  /** Tokens so far. What depends on them updates once per frame. */
  count = $state(0);
  facts = $state.raw<ReplyFacts>() as ReplyFacts;
  /** The prompt of the latest run; empty if another page generated it. */
  segments = $state.raw<readonly PromptSegment[]>([]);
  /** Whether the reasoning is expanded. */
  reasoningOpen = $state(false);
  /** Show it as it was generated, or formatted; null as in the settings. */
  raw = $state<boolean | null>(null);
  /** What the latest run has dropped from the full window; null if nothing, or if another page generated it. */
  dropped = $state.raw<DroppedTokens | null>(null);
  /** Progress of prefill; null before its first slice. */
  prefill = $state.raw<PrefillProgress | null>(null);
  /** Another page is generating it. */
  elsewhere = $state(false);
  /** Two executors computed the latest run, so that its rates are those of neither. */
  isMixed = false;

  readonly details: ReplyDetails;
  readonly #columns: TokenColumns;
  #reusedTokens = $state<number | null>(null);
  #hasReasoning = false;
  readonly #text: GrowingText;
  /** `#starts[i]`: UTF-16 offset of token i. Filled on demand, like those below. */
  readonly #starts: number[] = [0];
  readonly #times: DecodeTimes;
  #blocks: TextBlocks | null = null;
  #blockTokens = 0;
  #statistics: RunStatistics | null = null;
  #runLatencies: number[] | null = null;
  #answer: { count: number; text: string } | null = null;
  /** Tokens and UTF-16 units that have been handed to storage. */
  #takenTokens = 0;
  #takenText = 0;
  #newDetails: TokenDetails[] = [];
  #detailsLeft = { tokens: Infinity };
  #contextSize = Infinity;
  #prefillEstimate = new PrefillEstimate(0);
  #elsewhereTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    turn: Pick<StoredReplyTurn, 'id' | 'parent' | 'createdAt' | 'facts'> &
      Partial<Pick<StoredReplyTurn, 'text' | 'tokens'>>,
  ) {
    this.id = turn.id;
    this.parent = turn.parent;
    this.createdAt = turn.createdAt;
    this.facts = turn.facts;
    // Not lazily: state that is created inside a reader does not notify it.
    this.details = new ReplyDetails(turn.id);
    // The stored turn may be shared, and columns grow in place.
    this.#columns = turn.tokens ? sliceColumns(turn.tokens, 0, turn.tokens.ids.length) : noTokens();
    this.#times = new DecodeTimes(this.#columns.latencies, turn.facts.runStart);
    this.#text = new GrowingText(turn.text);
    this.#hasReasoning = this.#columns.parts.some(isReasoning);
    this.count = this.#columns.ids.length;
    this.#takenTokens = this.count;
    this.#takenText = this.#text.length;
  }

  get stop(): StoredStop | null {
    return this.facts.stop;
  }
  get timings(): Timings | null {
    return this.facts.timings;
  }
  get seed(): number {
    return this.facts.seed;
  }
  get sampling(): SamplingParams {
    return this.facts.sampling;
  }
  /** Name of the model of the latest run; empty if not recorded. */
  get model(): string {
    return this.facts.model;
  }
  get executor(): ExecutorName {
    return this.facts.executor;
  }
  /** Notices about how the prompt was made. */
  get notices(): readonly string[] {
    return this.facts.notices;
  }
  /** Includes BOS and, after Continue, the text so far. */
  get promptTokens(): number {
    return this.facts.promptTokens;
  }
  /** Tokens of the prompt whose K and V were reused; of a stored reply by its rate. */
  get reusedTokens(): number {
    return this.#reusedTokens ?? reusedTokensOf(this.facts);
  }
  /** Index of the first token of the latest run; not 0 after Continue. */
  get runStart(): number {
    return this.facts.runStart;
  }

  /** Tokens in the window. A reply that continues in a full window drops the oldest; its end reports the count. */
  get contextUsed(): number {
    if (this.phase !== 'writing' || this.elsewhere) return this.facts.contextUsed;
    return Math.min(this.promptTokens + this.count - this.runStart - (this.dropped?.total ?? 0), this.#contextSize);
  }

  /** Its tokens. Grow in place: read `count` too. */
  get columns(): Readonly<TokenColumns> {
    return this.#columns;
  }

  get text(): string {
    void this.count;
    return this.#text.toString();
  }

  /** Length of the text, UTF-16 units. */
  get length(): number {
    void this.count;
    return this.#text.length;
  }

  /** The text without reasoning. */
  get answer(): string {
    const { count } = this;
    if (!this.#hasReasoning) return this.text;
    if (this.#answer?.count === count) return this.#answer.text;
    const pieces = this.sections
      .filter(({ kind }) => kind === 'answer')
      .map(({ blocks }) => this.#text.slice(blocks[0].from, blocks[blocks.length - 1].to));
    const text = pieces.join('').trimStart();
    this.#answer = { count, text };
    return text;
  }

  /** The text as blocks with their own layout, grouped by kind. Full blocks keep their identity. */
  get sections(): readonly ReplySection[] {
    const { count } = this;
    this.#blocks ??= new TextBlocks(this.#text);
    if (this.#blockTokens < count) {
      const { lengths, parts } = this.#columns;
      const kinds = parts.slice(this.#blockTokens, count).map((part) => sectionKind(REPLY_PARTS[part]));
      this.#blocks.append(lengths.slice(this.#blockTokens, count), kinds);
      this.#blockTokens = count;
    }
    return this.#blocks.sections;
  }

  get blocks(): readonly TextBlock[] {
    return this.sections.flatMap(({ blocks }) => blocks);
  }

  /** @throws RangeError if the index is out of range */
  token(index: number): ReplyToken {
    const { ids, parts, logprobs, latencies } = this.#columns;
    if (index < 0 || index >= ids.length) throw new RangeError(`Token ${index} of ${ids.length}`);
    const text = this.#text.slice(this.startOf(index), this.startOf(index + 1));
    const part = REPLY_PARTS[parts[index]];
    return { index, id: ids[index], text, part, logprob: logprobs[index], latencyMs: latencies[index] };
  }

  /** Id of a token; `NO_TOKEN` if it has none. */
  idOf(index: number): number {
    return this.#columns.ids[index];
  }

  /** Offset of a token's text, UTF-16 units; for `count`, the end of the text. */
  startOf(index: number): number {
    const { lengths } = this.#columns;
    for (let at = this.#starts.length; at <= index; at++) this.#starts.push(this.#starts[at - 1] + lengths[at - 1]);
    return this.#starts[index];
  }

  /** Ids of tokens `from` to `to`, exclusive; `NO_TOKEN` for text without tokens. */
  ids(from: number, to: number): number[] {
    return this.#columns.ids.slice(from, to);
  }

  slice(from: number, to: number): string {
    return this.#text.slice(from, to);
  }

  /** A copy of the columns of some tokens. */
  copyColumns(from: number, to: number): TokenColumns {
    return sliceColumns(this.#columns, from, to);
  }

  get running(): boolean {
    return this.phase !== 'done';
  }

  /** The app was closed or crashed during this reply. */
  get interrupted(): boolean {
    return this.phase === 'done' && this.stop === null && !this.elsewhere;
  }

  /** Nothing was generated after what a person typed. */
  get typed(): boolean {
    return this.facts.edit !== undefined && this.promptTokens === 0 && !this.running;
  }

  /** Times of the latest run, ms per token; the first includes prefill. Grows in place: read `count` too. */
  latencies(): readonly number[] {
    if (this.runStart === 0) return this.#columns.latencies;
    return (this.#runLatencies ??= this.#columns.latencies.slice(this.runStart));
  }

  /** Rates and times of the latest run. Updated in place: read `count` too. */
  get statistics(): RunStatistics {
    const latencies = this.latencies();
    const first = this.facts.branch?.index === this.runStart ? 2 : 1;
    if (this.#statistics?.latencies !== latencies) this.#statistics = new RunStatistics(latencies, first);
    return this.#statistics;
  }

  /** Time of `count` tokens from `first` on, ms, without the first of each run, which includes prefill. Reactive. */
  timeOf(first: number, count: number): number {
    void this.runStart;
    return this.#times.between(first, first + count);
  }

  useDetails(load: LoadDetails): void {
    this.details.use(load);
  }

  /** Keeps details of further tokens in memory: nothing stores them. @param left of how many; decreased, may be shared */
  keepDetails(left: { tokens: number }): void {
    this.#detailsLeft = left;
    const first = this.count;
    const at = (index: number) => this.#newDetails[index - first] ?? null;
    this.details.use((_, from, count) => Promise.resolve(Array.from({ length: count }, (_, i) => at(from + i))));
  }

  /** Details of a token; null while loading, or if unknown. Reactive. */
  detailsOf(index: number): TokenDetails | null {
    return this.details.get(index);
  }

  /** Starts a run: the first one, or a continuation. The facts of the latest run apply to the whole reply. */
  begin(facts: Partial<ReplyFacts>): void {
    this.phase = 'waiting';
    this.dropped = null;
    this.isMixed = false;
    this.#reusedTokens = null;
    this.#runLatencies = null;
    this.#setElsewhere(false);
    // Facts are merged where they are stored, so those of an earlier run must be replaced.
    const shifts = this.facts.shifts === undefined ? {} : { shifts: [] };
    this.note({ stop: null, timings: null, run: null, ...shifts, ...facts, runStart: this.count });
  }

  /** Updates facts, for example the model. */
  note(facts: Partial<ReplyFacts>): void {
    this.facts = { ...this.facts, ...facts };
    this.#times.beginAt(this.runStart);
  }

  started(start: GenerateStart): void {
    this.phase = 'reading';
    this.prefill = null;
    this.#prefillEstimate = new PrefillEstimate(start.reusedTokens);
    this.segments = start.segments;
    this.#contextSize = start.contextSize;
    this.#reusedTokens = start.reusedTokens;
    const system = start.segments.filter(({ role, dropped }) => role === 'system' && !dropped);
    this.note({
      seed: start.seed,
      executor: start.executor,
      notices: start.notices,
      promptTokens: start.promptIds.length,
      systemTokens: system.reduce((sum, { tokens }) => sum + tokens, 0),
      droppedMessages: start.segments.filter(({ dropped }) => dropped).length,
      contextUsed: Math.min(start.promptIds.length, start.contextSize),
    });
  }

  /** The rest is computed by another executor. */
  moved({ model, notice }: MovedReply): void {
    this.isMixed = true;
    // During prefill: it computes the whole prompt.
    if (this.count === this.runStart) this.#reusedTokens = 0;
    this.prefill = null;
    this.#prefillEstimate = new PrefillEstimate(0);
    this.note({ executor: model.executor, notices: [...this.notices, notice] });
  }

  /** A slice of the prompt was processed. */
  prefilled(done: number, total: number): void {
    this.prefill = this.#prefillEstimate.after(done, total);
  }

  /** The oldest tokens were dropped from the full window. @param at index of the first token generated without them */
  shifted(dropped: DroppedTokens, at: number): void {
    this.dropped = dropped;
    const { shifts = [] } = this.facts;
    if (shifts.at(-1)?.tokens === dropped.total) return;
    const messages = this.segments.filter((segment, index) => {
      return segment.dropped || (segment.tokens > 0 && dropped.segments[index] === segment.tokens);
    }).length;
    this.note({ shifts: [...shifts, { at, tokens: dropped.total, ofReply: dropped.reply, messages }] });
  }

  /** Appends tokens. */
  append(tokens: readonly GeneratedToken[]): void {
    if (tokens.length === 0) return;
    if (this.phase !== 'done') this.phase = 'writing';
    const columns = noTokens();
    tokens.forEach((token, offset) => {
      const { piece, rank, sampledProbability, survivors, candidates } = token;
      const details = { piece, rank, sampledProbability, survivors, candidates };
      this.details.put(this.count + offset, details);
      if (this.#detailsLeft.tokens-- > 0) this.#newDetails.push(details);
      columns.ids.push(token.id);
      columns.lengths.push(token.text.length);
      columns.parts.push(PART_INDEX.get(token.part) ?? 0);
      columns.logprobs.push(token.logprob);
      columns.latencies.push(token.latencyMs);
    });
    this.#grow(tokens.map(({ text }) => text).join(''), columns, 0);
  }

  finished({ stop, timings, seed, contextUsed, dropped }: GenerateEnd): void {
    if (dropped !== undefined) this.shifted(dropped, this.count);
    // The engine chose no seed for a reply that did not begin.
    this.note({ stop, timings, seed: this.phase === 'waiting' ? this.seed : seed, contextUsed });
    this.phase = 'done';
  }

  /** Ends the reply without an `end` event: it could not start, or the engine is gone. */
  failed(stop: Stop): void {
    this.note({ stop, timings: this.statistics.timings(), contextUsed: this.contextUsed });
    this.phase = 'done';
  }

  /** What was added since the last call, or null. */
  takeNew(): NewTokens | null {
    const from = this.#takenTokens;
    const count = this.#columns.ids.length;
    if (from === count) return null;
    const tokens = this.copyColumns(from, count);
    const text = this.#text.slice(this.#takenText, this.#text.length);
    const details = this.#newDetails;
    this.#newDetails = [];
    this.#takenTokens = count;
    this.#takenText = this.#text.length;
    return { from, text, tokens, details };
  }

  /** Applies an event of the page that generates this reply. Other events are ignored. */
  apply(event: ChatEvent): void {
    if (event.type === 'tokens' && event.turn === this.id) {
      const { count } = this;
      const skip = Math.max(0, count - event.from);
      if (skip >= event.tokens.ids.length) return;
      const skipped = event.tokens.lengths.slice(0, skip).reduce((sum, length) => sum + length, 0);
      this.#grow(event.text.slice(skipped), event.tokens, skip);
      this.details.arrived(count, this.count);
      this.#takenTokens = this.#columns.ids.length;
      this.#takenText = this.#text.length;
      if (!this.running) this.#setElsewhere(this.stop === null);
    } else if (event.type === 'reply' && event.turn === this.id) {
      if (event.facts.runStart !== undefined && event.facts.runStart !== this.runStart) this.#runLatencies = null;
      this.note(event.facts);
      if (!this.running) this.#setElsewhere(this.stop === null);
    }
  }

  /** Another page says that it generates this reply. */
  heard(): void {
    if (!this.running && this.stop === null) this.#setElsewhere(true);
  }

  /** @param skip number of tokens of `columns` to leave out; their text is not in `text` */
  #grow(text: string, columns: TokenColumns, skip: number): void {
    this.#text.append(text);
    appendColumns(this.#columns, columns, skip);
    this.#hasReasoning ||= columns.parts.some(isReasoning);
    for (let at = skip; at < columns.latencies.length; at++) this.#runLatencies?.push(columns.latencies[at]);
    this.count = this.#columns.ids.length;
  }

  /** Expires by itself, because a closed page sends no more events. */
  #setElsewhere(value: boolean): void {
    if (this.#elsewhereTimer !== null) clearTimeout(this.#elsewhereTimer);
    this.#elsewhereTimer = value ? setTimeout(() => (this.elsewhere = false), ELSEWHERE_MS) : null;
    this.elsewhere = value;
  }
}
