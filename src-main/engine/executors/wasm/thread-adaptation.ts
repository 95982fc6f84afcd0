import type { Clock } from '../../api/platform.ts';

/** Runs that are compared with as many others. */
const RUNS = 16;
/** Runs before them whose time does not count: sleeping threads must wake, and caches fill. */
const WARM_UP = 2;
/** Waits in vain per run from which fewer threads are tried. On free cores there are none. */
const MANY_WAITS = 1;
/** Another number of threads must be faster by this share, because what other programs do changes all the time. */
const GAIN = 0.05;
/** A trial ends after these runs if they take so many times as long. */
const FIRST_RUNS = 4;
const MUCH_SLOWER = 1.25;
/** Rest after a trial, ms: twice as long after each one that found nothing better. */
const SHORTEST_REST_MS = 1000;
const LONGEST_REST_MS = 16_000;

/** Consecutive runs of equally many rows, on the same threads. */
class Runs {
  /** Below 0 while warming up. */
  private count = -WARM_UP;
  private ms = 0;
  private waits = 0;

  constructor(readonly rows: number) {}

  add(ms: number, waits: number): void {
    this.count++;
    if (this.count <= 0) return;
    this.ms += ms;
    this.waits += waits;
  }

  get areEnough(): boolean {
    return this.count >= RUNS;
  }

  areMuchSlowerThan(meanMs: number): boolean {
    return this.count >= FIRST_RUNS && this.meanMs > MUCH_SLOWER * meanMs;
  }

  get meanMs(): number {
    return this.ms / this.count;
  }

  get haveManyWaits(): boolean {
    return this.waits >= MANY_WAITS * this.count;
  }
}

/**
 * Takes fewer threads for a token, or one of each lane, while other programs keep cores busy: a token waits wherever one of its threads has
 * lost its core. That shows in waits in vain at barriers. Then some runs are timed on fewer threads, and the faster number
 * stays, or else the next trial takes fewer still. More threads are tried again after a rest.
 */
export class ThreadAdaptation {
  /** For the next run. */
  threads: number;
  private runs = new Runs(0);
  /** The number before the present trial, and its mean time; null between trials. */
  private trial: { readonly before: number; readonly meanMs: number } | null = null;
  private triesFewer = false;
  /** The number from which the next trial of fewer goes down. */
  private reached: number;
  private restMs = SHORTEST_REST_MS;
  private restsUntil = -Infinity;

  /**
   * @param most threads on free cores
   * @param clock ms
   * @param threads to begin with
   */
  constructor(
    private readonly most: number,
    private readonly clock: Clock,
    threads = most,
  ) {
    this.threads = threads;
    this.reached = threads;
  }

  /**
   * A run of `rows` tokens begins on `threads`.
   * @param waits how often threads have waited in vain and slept
   * @returns call it when the run has ended; not if it failed
   */
  watch(rows: number, waits: () => number): () => void {
    const [started, before] = [this.clock.now(), waits()];
    return () => this.note(rows, this.clock.now() - started, waits() - before);
  }

  private note(rows: number, ms: number, waits: number): void {
    if (this.runs.rows !== rows) this.restart(rows);
    this.runs.add(ms, waits);
    const isLost = this.trial !== null && this.runs.areMuchSlowerThan(this.trial.meanMs);
    if (!isLost && !this.runs.areEnough) return;
    const { meanMs, haveManyWaits } = this.runs;
    this.runs = new Runs(rows);
    if (this.trial !== null) this.end(this.trial, meanMs);
    else if (this.clock.now() >= this.restsUntil) this.begin(meanMs, haveManyWaits);
  }

  /** Runs of other rows take another time. */
  private restart(rows: number): void {
    this.runs = new Runs(rows);
    if (this.trial === null) return;
    this.threads = this.trial.before;
    this.trial = null;
  }

  private begin(meanMs: number, haveManyWaits: boolean): void {
    const { threads, most } = this;
    const canTryFewer = haveManyWaits && threads > 1;
    const canTryMore = threads < most;
    if (!canTryFewer && !canTryMore) return;
    this.triesFewer = canTryFewer && !(canTryMore && this.triesFewer);
    this.trial = { before: threads, meanMs };
    if (this.triesFewer) this.reached = fewer(this.reached > 1 ? this.reached : threads);
    this.threads = this.triesFewer ? this.reached : more(threads, most);
  }

  private end({ before, meanMs }: { readonly before: number; readonly meanMs: number }, now: number): void {
    const isFaster = now < meanMs * (1 - GAIN);
    if (isFaster) this.reached = this.threads;
    else this.threads = before;
    this.restMs = isFaster ? SHORTEST_REST_MS : Math.min(2 * this.restMs, LONGEST_REST_MS);
    this.restsUntil = this.clock.now() + this.restMs;
    this.trial = null;
  }
}

/** Three quarters. */
function fewer(threads: number): number {
  return Math.floor((3 * threads) / 4);
}

/** The number of which this is three quarters. */
function more(threads: number, most: number): number {
  return Math.min(most, Math.ceil((4 * threads) / 3));
}
