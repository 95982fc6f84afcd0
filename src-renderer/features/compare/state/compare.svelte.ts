import {
  COMPARISON_FORMAT,
  MAX_COMPARED_LANES,
  type ComparedPrompt,
  type LaneSettings,
  type StoredComparison,
} from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { blindVote, settingsKey, type SettingVotes } from '../../../../src-main/protocol/app/comparisons/votes.ts';
import { newId } from '../../../lib/new-id.ts';
import type { RunRecorder } from '../../chat/receipts/run-recorder.ts';
import { now, nowAfter } from '../../chat/state/identity.ts';
import { RecomputedTokens } from '../../chat/state/recomputed-tokens.svelte.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import { BlindVoting } from './blind.svelte.ts';
import { LaneDivergences } from './divergence.ts';
import { laneBasis } from './lane-draws.ts';
import { laneLabels } from './lane-labels.ts';
import { LaneRunner, type ChosenAt, type LaneEngine, type LaneRunnerParts } from './lane-runner.svelte.ts';
import { promptProblem, seedOf, type ModelRef } from './lane-settings.ts';
import { waitingTexts, type FitsBeside } from './lane-models.ts';
import { Lane } from './lane.svelte.ts';
import { promptOfChat, type SentChat } from './sent-chat.ts';
import { shownRun } from './shown-run.ts';

export const MIN_LANES = 2;
/** Number of points in the sparkline of the rate. */
const RATES = 60;
/** How often a run is stored while it grows, ms. */
const SAVE_EVERY_MS = 5000;

/** Where runs are stored. */
export interface RunHistory {
  /** Blind votes over all runs. */
  readonly votes: readonly SettingVotes[];
  /** @returns the run's id, which is new if it was saved as a copy */
  save(run: StoredComparison): Promise<string>;
}

/** How fast the lanes are that generate at one moment. */
export interface LanesRate {
  /** Of all of them together, tokens per second. */
  readonly rate: number;
  readonly lanes: number;
}

/** The open comparison: one prompt and its lanes. Kept when another view is shown. */
export class CompareState {
  /** Identifies the run in the history; null until lanes have run. */
  id = $state.raw<string | null>(null);
  title = $state('');
  /** What a person should know about the file that was opened, or why a file could not be read or written; or null. */
  fileProblem = $state.raw<string | null>(null);
  /** The prompt, unless a chat was sent here. */
  text = $state('');
  chat = $state.raw<SentChat | null>(null);
  /** System prompt of new sets: that of the chat that was sent here, or of the lanes of an opened run. */
  systemPrompt = '';
  lanes = $state.raw<readonly Lane[]>([]);
  /** Prompt of the latest run, or null. */
  ranPrompt = $state.raw<ComparedPrompt | null>(null);
  /** Changes a few times a second while lanes run, and when they end: what is costly to compute depends on it. */
  pulse = $state(0);
  readonly runner: LaneRunner;
  readonly blind = new BlindVoting();
  /** While lanes run, oldest first. */
  rates = $state.raw<readonly LanesRate[]>([]);

  #pinned = $state.raw<Lane | null>(null);
  #createdAt = '';
  /** Number of runs and sets opened so far, so that work started for one does not change the next. */
  #opened = 0;
  readonly #history: RunHistory;
  readonly #engine: LaneEngine;
  readonly #fits: FitsBeside;
  readonly #recorder: RunRecorder;
  // Nothing on screen depends on these.
  readonly #recomputed = new WeakMap<Reply, RecomputedTokens>();
  readonly #divergences = new LaneDivergences();

  readonly settings = $derived.by(() => this.lanes.map(({ settings }) => settings));
  /** The prompt has changed since the lanes ran. A lane that is run again gets the one before. */
  readonly promptChanged = $derived.by(
    () => this.ranPrompt !== null && JSON.stringify(this.ranPrompt) !== JSON.stringify(this.prompt),
  );
  /** Why no lane can be run again, or null. */
  readonly rerunBlocked = $derived.by(() => promptProblem(this.rerunPrompt));
  /** What the lanes are called. */
  readonly labels = $derived.by(() => laneLabels(this.settings));
  /** Why each lane runs after others, or null. */
  readonly waiting = $derived.by(() => waitingTexts(this.settings, this.runner.home ?? this.#engine.model, this.#fits));
  /**
   * What each lane has in common with the one that all are compared with; of that one, with all others. Null where there
   * is nothing to compare: no tokens, or those of another vocabulary.
   */
  readonly commons = $derived.by(() => this.#divergences.of(this.lanes, this.base));

  /** @param parts `fits`: whether a model fits in memory beside the loaded one; null while unknown */
  constructor(parts: LaneRunnerParts & { readonly fits?: FitsBeside; readonly history: RunHistory }) {
    this.#engine = parts.engine;
    this.#recorder = parts.recorder;
    this.#history = parts.history;
    this.#fits = parts.fits ?? (() => null);
    this.runner = new LaneRunner(parts);
  }

  get prompt(): ComparedPrompt {
    const { chat, text } = this;
    return chat === null ? { kind: 'text', text } : promptOfChat(chat);
  }

  /** What lanes are run again and branched with: the prompt of the others. */
  get rerunPrompt(): ComparedPrompt {
    return this.ranPrompt ?? this.prompt;
  }

  /** The lane that the others are compared with. */
  get base(): Lane | null {
    const { lanes } = this;
    return lanes.find((lane) => lane === this.#pinned) ?? lanes[0] ?? null;
  }

  get pinned(): Lane | null {
    return this.#pinned;
  }

  /** Why nothing can be run, or null. */
  get blocked(): string | null {
    if (this.lanes.length === 0) return 'Load a model first.';
    return promptProblem(this.prompt) ?? (this.lanes.length < MIN_LANES ? 'Add another lane.' : null);
  }

  indexOf(lane: Lane): number {
    return this.lanes.indexOf(lane);
  }

  /** Replaces the lanes. Stops what is running. */
  useLanes(settings: readonly LaneSettings[]): void {
    this.#show(settings.slice(0, MAX_COMPARED_LANES).map((one) => new Lane(one)));
  }

  /** Shows a stored run. Stops what is running. */
  open(run: StoredComparison): void {
    // What is on screen is newer.
    if (run.id === this.id && this.runner.running) return;
    const { lanes, systemPrompt, text, chat } = shownRun(run);
    this.#show(lanes);
    this.id = run.id;
    this.title = run.title;
    this.#createdAt = run.createdAt;
    this.ranPrompt = run.prompt;
    this.systemPrompt = systemPrompt;
    this.text = text;
    this.chat = chat;
    this.#pinned = run.pinned === null ? null : (lanes[run.pinned] ?? null);
    this.blind.votes = run.votes;
  }

  #show(lanes: readonly Lane[]): void {
    if (this.runner.running) this.#leave();
    this.#opened++;
    this.runner.prefills = [];
    this.lanes = lanes;
    this.#pinned = null;
    this.id = null;
    this.title = '';
    this.fileProblem = null;
    this.ranPrompt = null;
    this.rates = [];
    this.blind.reset();
    this.pulse++;
  }

  /** Stops and stores a run that is left while it grows. */
  #leave(): void {
    this.runner.stopLanes();
    for (const reply of this.lanes.flatMap(({ replies }) => replies)) {
      if (reply.running) reply.failed({ reason: 'user', tokens: reply.count - reply.runStart });
    }
    void this.#save();
  }

  /** What lanes are called in storage: by the settings that their replies were generated with, or by a person. */
  get #ranLabels(): string[] {
    return laneLabels(this.lanes.map(({ ranWith, settings }) => ({ ...(ranWith ?? settings), label: settings.label })));
  }

  /** The run as it is stored; null until lanes have run. */
  stored(): StoredComparison | null {
    const { id, title, ranPrompt: prompt, lanes } = this;
    if (id === null || prompt === null) return null;
    const labels = this.#ranLabels;
    const pinned = this.#pinned === null ? -1 : lanes.indexOf(this.#pinned);
    return {
      format: COMPARISON_FORMAT,
      id,
      title,
      createdAt: this.#createdAt,
      updatedAt: nowAfter(this.#createdAt),
      revision: 0,
      prompt,
      lanes: lanes.map((lane, at) => lane.stored(labels[at])),
      pinned: pinned < 0 ? null : pinned,
      votes: [...this.blind.votes],
    };
  }

  rename(title: string): void {
    this.title = title;
    void this.#save();
  }

  /** Stores the run that is shown, for example one from a file. */
  keep(): Promise<void> {
    return this.#save();
  }

  /**
   * The open run was deleted: it becomes a new one when it is saved again.
   * @returns to call when the run was restored: takes that back; false if the run has to be opened, because another is
   */
  forget(): () => boolean {
    const { id, runner } = this;
    const opened = this.#opened;
    const grew = runner.running;
    this.id = null;
    return () => {
      // To open it would stop another run.
      if (this.#opened !== opened || this.id !== null) return runner.running;
      this.id = id;
      // It ended while there was nowhere to store it.
      if (grew && !runner.running) void this.#save();
      return true;
    };
  }

  async #save(): Promise<void> {
    const run = this.stored();
    if (run === null) return;
    const id = await this.#history.save(run);
    if (this.id === run.id) this.id = id;
  }

  /** Adds a lane with the settings of another one, by default the last one. */
  add(like: Lane | undefined = this.lanes.at(-1)): void {
    if (like === undefined || this.lanes.length === MAX_COMPARED_LANES) return;
    const at = this.lanes.indexOf(like) + 1;
    this.lanes = this.lanes.toSpliced(at, 0, new Lane(like.settings));
  }

  /** @returns puts it back, unless something else is open by then; null if it cannot be removed */
  remove(lane: Lane): (() => void) | null {
    const at = this.lanes.indexOf(lane);
    if (at < 0 || this.lanes.length <= MIN_LANES) return null;
    const opened = this.#opened;
    const prompt = this.ranPrompt;
    void this.runner.stopLane(lane);
    this.#setLanes(this.lanes.toSpliced(at, 1));
    return () => {
      if (this.#opened !== opened || this.lanes.length === MAX_COMPARED_LANES) return;
      // Its replies are to a prompt that was run before.
      const back = this.ranPrompt === prompt ? lane : new Lane(lane.settings);
      this.#setLanes(this.lanes.toSpliced(at, 0, back));
    };
  }

  #setLanes(lanes: readonly Lane[]): void {
    this.lanes = lanes;
    if (!this.runner.running) void this.#save();
  }

  /** Compares the others with this lane; null: with the first one. */
  pin(lane: Lane | null): void {
    this.#pinned = lane;
    void this.#save();
  }

  /** Changes the settings of all lanes. */
  setAll(change: (settings: LaneSettings) => Partial<LaneSettings>): void {
    for (const lane of this.lanes) lane.set(change(lane.settings));
  }

  /**
   * Compares what could answer a chat: with its system prompt in all lanes, and with the loaded model if the lanes have one
   * model in common.
   */
  take(chat: SentChat, loaded: ModelRef | null): void {
    const { messages, systemPrompt } = chat;
    // A single message is as good as a prompt, and can be edited.
    if (messages.length === 1) this.text = messages[0].text;
    this.chat = messages.length === 1 ? null : chat;
    this.systemPrompt = systemPrompt;
    this.setAll(() => ({ systemPrompt }));
    if (loaded !== null && !this.runner.running && this.#hasOneModel) this.#setModel(loaded);
  }

  /** Compares what could answer a plain prompt instead of the chat that was sent here, without its system prompt. */
  dropChat(): void {
    const { systemPrompt } = this;
    this.setAll((lane) => (lane.systemPrompt === systemPrompt ? { systemPrompt: '' } : {}));
    this.chat = null;
    this.systemPrompt = '';
  }

  /** Lanes of the model that was loaded before are for the one that is loaded now, unless they have run. */
  follow(loaded: ModelRef): void {
    const hasRun = this.runner.running || this.lanes.some(({ reply }) => reply !== null);
    if (!hasRun && this.#hasOneModel) this.#setModel(loaded);
  }

  get #hasOneModel(): boolean {
    return this.settings.every(({ modelId }) => modelId === this.settings[0].modelId);
  }

  #setModel({ id, name }: ModelRef): void {
    this.setAll(() => ({ modelId: id, modelName: name }));
  }

  /** Runs all lanes. */
  async run(): Promise<void> {
    if (this.blocked !== null || this.runner.running) return;
    this.#begin();
    this.title = '';
    this.blind.votes = [];
    await this.#runAll();
  }

  /** Runs all lanes with the next seeds, for another blind vote. */
  async nextRound(): Promise<void> {
    if (this.ranPrompt === null || this.runner.running) return;
    this.#renew();
    this.setAll((settings) => ({ sampling: { ...settings.sampling, seed: seedOf(settings, settings.samples) } }));
    await this.#runAll();
  }

  /** Votes for a lane; null: a tie. */
  vote(winner: Lane | null): void {
    this.#renew();
    const { lanes } = this;
    const labels = this.#ranLabels;
    const shown = lanes.map((lane, at) => ({
      settings: { ...(lane.ranWith ?? lane.settings), label: labels[at] },
      replies: [],
    }));
    this.blind.vote(blindVote(shown, winner === null ? null : lanes.indexOf(winner), now()));
    void this.#save();
  }

  /** Wins in blind votes of each lane's settings, in all runs; null while there are no votes about any of them. */
  get wins(): readonly number[] | null {
    const counted = this.settings.map((settings) => {
      const key = settingsKey(settings);
      return this.#history.votes.find((one) => one.key === key);
    });
    return counted.every((one) => one === undefined) ? null : counted.map((one) => one?.won ?? 0);
  }

  /** Updates what is costly to compute. */
  beat(): void {
    const rates = this.lanes.flatMap(({ reply }) => (reply?.phase === 'writing' ? [reply.statistics.now() ?? 0] : []));
    if (rates.length > 0) {
      const now = { rate: rates.reduce((sum, rate) => sum + rate, 0), lanes: rates.length };
      this.rates = [...this.rates.slice(1 - RATES), now];
    }
    this.pulse++;
  }

  /** Runs a lane again, with its present settings and the prompt of the others. @returns whether it could be run */
  async rerun(lane: Lane): Promise<boolean> {
    if (lane.running || this.rerunBlocked !== null) return false;
    this.#renew();
    await this.#run([lane]);
    return true;
  }

  /**
   * Adds a reply to a lane that has another token in place of one of the reply on screen, and continues from there. That
   * one stays.
   * @returns whether it could be run
   */
  async branch(lane: Lane, chosen: ChosenAt): Promise<boolean> {
    const { reply } = lane;
    if (reply === null || this.ranPrompt === null || this.runner.running || lane.full !== null) return false;
    if (this.recomputedOf(lane, reply).blocked !== null) return false;
    this.#renew();
    const prompt = this.ranPrompt;
    await this.#grow([lane], () => this.runner.branch(lane, reply, chosen, prompt));
    return true;
  }

  /** What is recomputed of a reply of a lane. */
  recomputedOf(lane: Lane, reply: Reply): RecomputedTokens {
    const known = this.#recomputed.get(reply);
    if (known !== undefined) return known;
    const ran = () => ({ prompt: this.rerunPrompt, settings: lane.ranWith ?? lane.settings });
    const made = new RecomputedTokens(reply, this.#engine, laneBasis(ran, reply, lane));
    this.#recomputed.set(reply, made);
    return made;
  }

  stop(to: string | null = null): void {
    this.runner.stop(to);
  }

  /** The next run is a new one in the history. */
  #begin(prompt = this.prompt): void {
    this.id = newId();
    this.#createdAt = now();
    this.ranPrompt = prompt;
  }

  /** A run that was deleted is stored as a new one. */
  #renew(): void {
    if (this.id === null) this.#begin(this.rerunPrompt);
  }

  async #runAll(): Promise<void> {
    this.rates = [];
    this.blind.begin(this.lanes);
    await this.#run(this.lanes);
  }

  async #run(lanes: readonly Lane[]): Promise<void> {
    const prompt = this.rerunPrompt;
    await this.#grow(lanes, () => this.runner.run(lanes, prompt));
  }

  /** Stores lanes while they run, and afterwards. */
  async #grow(lanes: readonly Lane[], run: () => Promise<void>): Promise<void> {
    const opened = this.#opened;
    const timer = setInterval(() => {
      if (this.#opened === opened) void this.#save();
    }, SAVE_EVERY_MS);
    await run();
    clearInterval(timer);
    if (this.#opened !== opened) return;
    this.pulse++;
    await this.#save();
    void this.#noteFiles(lanes);
  }

  /** Hashes the files of a model after its first run, for receipts. */
  async #noteFiles(lanes: readonly Lane[]): Promise<void> {
    const { id } = this;
    const noted = await this.#recorder.noteFiles(lanes.flatMap(({ replies }) => replies));
    if (noted.length > 0 && this.id === id) await this.#save();
  }
}
