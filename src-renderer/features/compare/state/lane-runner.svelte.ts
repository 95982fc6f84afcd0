import { MAX_LANES } from '../../../../src-main/engine/api/defaults.ts';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type {
  GenerateParams,
  LanesPrefill,
  ModelInfo,
  MovedReply,
  Stop,
} from '../../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import type { ComparedPrompt, LaneSettings } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { newId } from '../../../lib/new-id.ts';
import type { SessionTotals } from '../../chat/rates/session-totals.svelte.ts';
import type { RunRecorder } from '../../chat/receipts/run-recorder.ts';
import type { EngineState, ModelChoice } from '../../chat/state/engine.svelte.ts';
import { now } from '../../chat/state/identity.ts';
import { modelFacts } from '../../chat/state/reply-request.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import { because, stopAfter } from '../../chat/state/write-reply.ts';
import { isLoaded, isSameModel, laneModel, type LaneModel } from './lane-models.ts';
import { laneParams, promptWith } from './lane-settings.ts';
import type { Lane } from './lane.svelte.ts';
import { writeLanes } from './write-lanes.ts';

/** The part of the engine's state that lanes need. */
export interface LaneEngine {
  readonly model: ModelInfo | null;
  readonly status: EngineState['status'];
  /** What the model runs on by choice; null if unknown. */
  readonly requested: ModelChoice['executor'] | null;
  ready(signal?: AbortSignal): Promise<EngineApi>;
}

export interface LaneRunnerParts {
  readonly engine: LaneEngine;
  readonly recorder: RunRecorder;
  readonly totals: Pick<SessionTotals, 'addLanes'>;
  /** Replaces the loaded model. @param keep keeps that one in memory if both fit @throws EngineError */
  load(model: LaneModel, signal: AbortSignal, keep: boolean): Promise<void>;
  /**
   * Collects tokens until a frame.
   * @param isUrgent without a rest between frames @param share of all lanes that it draws: after a smaller one, the rest is shorter
   */
  frame(callback: () => void, isUrgent?: boolean, share?: number): void;
  /** Nothing is drawn, and frames are rare. */
  isHidden(): boolean;
}

/** A token in whose place another one is chosen. */
export interface ChosenAt {
  readonly index: number;
  /** The token to take instead. */
  readonly id: number;
}

/** One reply of a lane. */
interface Entry {
  readonly lane: Lane;
  readonly reply: Reply;
  readonly model: LaneModel;
  readonly params: GenerateParams;
}

/** What runs now. */
interface Batch {
  readonly entries: readonly Entry[];
  readonly abort: AbortController;
  /** What was sent to the engine: a lane that was stopped before is not. */
  sent: { readonly engine: EngineApi; readonly key: string; readonly entries: readonly Entry[] } | null;
  prefill: LanesPrefill | null;
  /** What it was stopped for, or null. */
  stoppedTo: string | null;
}

/** What one prefill was for. */
export interface Prefilled extends LanesPrefill {
  readonly lanes: number;
  /** Samples of all lanes together. */
  readonly replies: number;
}

/**
 * Generates the replies of lanes: those of one model as one batch, those of another model after them. The model that was
 * loaded before stays in memory beside it if both fit; at the end it is loaded again, which then takes no time.
 */
export class LaneRunner {
  /** Something is running or waiting. */
  running = $state(false);
  /** Number of times that lanes or branches were started, so that a slow request can tell whether one was meanwhile. */
  started = 0;
  /** The model that is being loaded for lanes, or again after them; null otherwise. */
  loading = $state.raw<LaneModel | null>(null);
  /** The model that was loaded when the run began; null while nothing runs. */
  home = $state.raw<ModelInfo | null>(null);
  /** Of the latest run: one of each batch. */
  prefills = $state.raw<readonly Prefilled[]>([]);
  /** Why the model from before could not be loaded again, or null. */
  problem = $state.raw<EngineError | null>(null);
  /** Of the latest run: that its executor was lost, and where it continued. */
  notice = $state.raw<string | null>(null);

  readonly #parts: LaneRunnerParts;
  #waiting = $state.raw<readonly Entry[]>([]);
  #batch: Batch | null = null;
  /** Ends the load of the first model after the lanes; null while there is none. */
  #returning: AbortController | null = null;
  #done = Promise.resolve();
  /** The loaded model stays: a person chose it meanwhile, or stopped the load of the first one. */
  #keepsModel = false;
  /** The model that lanes loaded last, or tried to, in this run; null if none. */
  #borrowed: LaneModel | null = null;
  /** Where the model continued in this run after its executor was lost. */
  #movedTo: ModelInfo | null = null;

  constructor(parts: LaneRunnerParts) {
    this.#parts = parts;
  }

  /**
   * Runs lanes again, all samples of each, after the current run. Resolves when everything has ended. Never rejects: see
   * the stop reasons.
   */
  async run(lanes: readonly Lane[], prompt: ComparedPrompt): Promise<void> {
    const added = lanes.map((lane) => {
      const model = this.#modelOf(lane.settings);
      return lane.begin().map((reply, sample): Entry => {
        return { lane, reply, model, params: laneParams(prompt, lane.settings, sample) };
      });
    });
    // The first samples of all lanes come first, so that all of them stream together.
    const most = Math.max(0, ...added.map(({ length }) => length));
    const inOrder = Array.from({ length: most }, (_, sample) => added.flatMap((all) => all.slice(sample, sample + 1)));
    await this.#enqueue(inOrder.flat());
  }

  /**
   * Adds a reply to a lane that begins with the first `index` tokens of `source`, which stays, and token `id`. It has the
   * settings that the lane was run with. As `run` otherwise.
   */
  async branch(lane: Lane, source: Reply, { index, id }: ChosenAt, prompt: ComparedPrompt): Promise<void> {
    const settings = lane.ranWith ?? lane.settings;
    const asked = laneParams(prompt, settings, lane.sampleOf(source));
    // A random one was drawn for the sample.
    const seed = asked.sampling.seed ?? lane.lineOf(source)[0].seed;
    const params = {
      ...asked,
      sampling: { ...asked.sampling, seed },
      prompt: promptWith(prompt, settings, source, index),
      firstToken: id,
    };
    await this.#enqueue([{ lane, reply: lane.branch(source, index), model: this.#modelOf(settings), params }]);
  }

  #modelOf(settings: LaneSettings): LaneModel {
    return laneModel(settings, this.home ?? this.#parts.engine.model);
  }

  async #enqueue(entries: readonly Entry[]): Promise<void> {
    this.#waiting = [...this.#waiting, ...entries];
    this.started++;
    if (!this.running) {
      this.running = true;
      this.prefills = [];
      this.problem = null;
      this.notice = null;
      this.#keepsModel = false;
      this.#movedTo = null;
      this.#done = this.#work();
    }
    await this.#done;
  }

  /** The model that was loaded before is replaced for now or soon, or about to be loaded again. */
  get borrows(): boolean {
    const { home } = this;
    if (home === null) return false;
    const { model } = this.#parts.engine;
    const isHome = isLoaded({ modelId: home.id, executor: home.executor }, model);
    return this.loading !== null || !isHome || this.#waiting.some((entry) => !isLoaded(entry.model, model));
  }

  /** Its first sample has not started yet. */
  isWaiting(lane: Lane): boolean {
    return this.#waiting.some(({ reply }) => reply === lane.replies[0]);
  }

  /**
   * Stops everything, also loading the first model again. Texts so far are kept.
   * @param to why, for example `load SmolLM2`: that model is then kept
   */
  stop(to: string | null = null): void {
    if (to !== null || this.#returning !== null) this.#keepsModel = true;
    this.#returning?.abort();
    this.stopLanes(to);
  }

  /** Stops all lanes. Texts so far are kept, and the first model is loaded again. @param to see `stop` */
  stopLanes(to: string | null = null): void {
    this.#drop(() => true, to);
    if (this.#batch === null) return;
    this.#batch.stoppedTo = to;
    this.#batch.abort.abort();
  }

  /** Stops one lane. The others continue. */
  async stopLane(lane: Lane): Promise<void> {
    this.#drop((entry) => entry.lane === lane, null);
    const { entries = [], sent = null } = this.#batch ?? {};
    const isOwn = ({ lane: other, reply }: Entry) => other === lane && reply.running;
    if (sent === null) {
      for (const { reply } of entries.filter(isOwn)) reply.failed({ reason: 'user', tokens: 0 });
      return;
    }
    const { engine, key } = sent;
    const indices = sent.entries.flatMap((entry, index) => (isOwn(entry) ? [index] : []));
    // If the engine is gone, the lanes have ended as well.
    await Promise.allSettled(indices.map((index) => engine.call('stopLane', { key, lane: index })));
  }

  async #work(): Promise<void> {
    const { model, requested } = this.#parts.engine;
    this.home = model;
    this.#borrowed = null;
    do {
      while (this.#waiting.length > 0) await this.#runBatch(this.#takeBatch());
      await this.#returnHome(requested ?? model?.executor ?? null);
    } while (this.#waiting.length > 0);
    this.home = null;
    this.running = false;
  }

  async #runBatch(batch: Batch): Promise<void> {
    this.#batch = batch;
    const { signal } = batch.abort;
    const stopOf = (stop: Stop) => because(stop, batch.stoppedTo);
    try {
      const [{ model }] = batch.entries;
      if (!isLoaded(model, this.#parts.engine.model)) {
        this.#borrowed = model;
        await this.#load(model, signal, true);
      }
      const { recorder, totals } = this.#parts;
      const [engine, versions] = await Promise.all([this.#parts.engine.ready(signal), recorder.versions()]);
      const entries = batch.entries.filter(({ reply }) => reply.running);
      if (entries.length === 0) return;
      this.#noteModel(entries);
      const key = newId();
      const requestedAt = now();
      const params = entries.map((entry) => dated(entry.params, requestedAt));
      batch.sent = { engine, key, entries };
      const replies = entries.map(({ reply }) => reply);
      await writeLanes(replies, {
        engine,
        key,
        params,
        signal,
        frame: (callback, isUrgent, share) => this.#parts.frame(callback, isUrgent, share),
        isHidden: () => this.#parts.isHidden(),
        onPrefill: (prefill) => {
          batch.prefill = prefill;
          const isFirst = ({ lane }: Entry, at: number) => entries.findIndex((one) => one.lane === lane) === at;
          const lanes = entries.filter(isFirst).length;
          this.prefills = [...this.prefills, { ...prefill, lanes, replies: entries.length }];
        },
        onStart: (lane, start) => {
          recorder.noteStart(entries[lane].reply, { params: params[lane], requestedAt, versions }, start);
        },
        onMoved: (moved) => this.#moved(moved),
        stopOf,
      });
      if (batch.prefill !== null) totals.addLanes(replies, batch.prefill);
    } catch (thrown) {
      const error = EngineError.from(thrown);
      for (const { reply } of batch.entries) if (reply.running) reply.failed(stopOf(stopAfter(error, reply)));
    } finally {
      this.#batch = null;
    }
  }

  /** The next samples of one model; of the loaded model, if any are. */
  #takeBatch(): Batch {
    const loaded = this.#parts.engine.model;
    const { model } = this.#waiting.find((entry) => isLoaded(entry.model, loaded)) ?? this.#waiting[0];
    const entries = this.#waiting.filter((entry) => isSameModel(entry.model, model)).slice(0, MAX_LANES);
    this.#waiting = this.#waiting.filter((entry) => !entries.includes(entry));
    return { entries, abort: new AbortController(), sent: null, prefill: null, stoppedTo: null };
  }

  async #returnHome(executor: LaneModel['executor']): Promise<void> {
    const { home } = this;
    if (home === null || this.#keepsModel || this.#borrowed === null) return;
    const loaded = this.#parts.engine.model;
    // Another window chose it. If none is loaded, it was unloaded for one that could not be loaded.
    if (loaded !== null && loaded.id !== home.id && loaded.id !== this.#borrowed.modelId) return;
    // A lost executor is tried again only on request.
    const model = this.#movedFrom({ modelId: home.id, executor });
    if (isLoaded(model, loaded)) return;
    this.#returning = new AbortController();
    try {
      await this.#load(model, this.#returning.signal, false);
    } catch (thrown) {
      // A person may have stopped it, or chosen another model meanwhile.
      if (!this.#keepsModel) this.problem = EngineError.from(thrown);
    } finally {
      this.#returning = null;
    }
  }

  #moved({ model, notice }: MovedReply): void {
    this.notice = notice;
    this.#movedTo = model;
    this.#waiting = this.#waiting.map((entry) => ({ ...entry, model: this.#movedFrom(entry.model) }));
  }

  #movedFrom(model: LaneModel): LaneModel {
    const to = this.#movedTo;
    if (to === null || model.modelId !== to.id || model.executor !== 'webgpu') return model;
    return { ...model, executor: to.executor };
  }

  async #load(model: LaneModel, signal: AbortSignal, keep: boolean): Promise<void> {
    this.loading = model;
    try {
      await this.#parts.load(model, signal, keep);
    } finally {
      this.loading = null;
    }
  }

  #noteModel(entries: readonly Entry[]): void {
    const { model } = this.#parts.engine;
    if (model === null) return;
    for (const { reply } of entries) reply.note({ ...modelFacts(model), executor: model.executor });
  }

  /** Ends samples that have not started. */
  #drop(isMeant: (entry: Entry) => boolean, to: string | null): void {
    const dropped = this.#waiting.filter(isMeant);
    this.#waiting = this.#waiting.filter((entry) => !dropped.includes(entry));
    for (const { reply } of dropped) reply.failed(because({ reason: 'user', tokens: 0 }, to));
  }
}

/** With the current time, for templates that write the date. */
function dated(params: GenerateParams, date: string): GenerateParams {
  const { prompt } = params;
  return prompt.kind === 'chat' ? { ...params, prompt: { ...prompt, date } } : params;
}
