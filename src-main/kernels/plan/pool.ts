/**
 * Threads that run a plan together: they start, meet at barriers, and sleep when there is nothing to do. Each memory of a
 * model has a pool, with the barriers of its runs; in the first one the threads wait for runs in any of them.
 */
import {
  POOL_ARRIVED,
  POOL_BARRIERS,
  POOL_BUDGET,
  POOL_CALLS,
  POOL_FAILED,
  POOL_PART,
  POOL_PROGRESS,
  POOL_PROGRESS_LINES,
  POOL_RUNS,
  POOL_SLEEPING,
  POOL_SPINS,
  POOL_STOP,
  POOL_THREADS,
  POOL_WAITS,
  RUN_THREADS_BITS,
} from '../../engine/executors/wasm/plan-layout';

/**
 * Looks at a barrier before a thread sleeps. The most are 60 to 300 microseconds, which is longer than operations of a token
 * take, as waking costs more than they do. A thread that waited in vain looks the fewest times next, and twice as often
 * after each barrier that it saw: while threads outnumber the free cores, the one that is awaited needs the core.
 */
const MOST_SPINS: i32 = 250000;
const FEWEST_SPINS: i32 = 8000;
/** Between runs: long enough for the engine to choose a token, 1 to 5 ms, and short enough not to show. */
const IDLE_SPINS: i32 = 4000000;
/** Sleep at a time, ns: how soon a thread sees that another has failed. */
const SLEEP: i64 = 200000000;

/** Wakes the others that compute a run in a memory of the model, and leaves the rest asleep. */
export function callThreads(pool: usize, part: i32, threads: i32): void {
  if (!ASC_FEATURE_THREADS) return;
  const before = atomic.load<i32>(pool, POOL_RUNS);
  // Before a run on the engine's own thread, the others are sent to sleep: looking for runs takes time from it on a busy
  // computer.
  if (threads == 1 && threadsOf(before) <= 1) return;
  store<i32>(pool, part, POOL_PART);
  atomic.store<i32>(pool, (((before >> RUN_THREADS_BITS) + 1) << RUN_THREADS_BITS) | threads, POOL_RUNS);
  if (threads == 1) return;
  wakeSleeping(pool, POOL_RUNS);
  if (threads <= threadsOf(before)) return;
  atomic.add<i32>(pool, 1, POOL_CALLS);
  atomic.notify(pool + POOL_CALLS, -1);
}

/**
 * Waits for a run, other than `seen`, that this thread takes part in; returns it, or 0 when the pool stops. A thread with
 * nothing to do sleeps at once: spinning would slow down the thread that computes on the same core.
 */
export function nextRun(pool: usize, seen: i32, thread: i32): i32 {
  if (!ASC_FEATURE_THREADS) return 0;
  while (!stopped(pool) && !failed(pool)) {
    // In this order: a call that comes after the run has been looked at is not slept through.
    const calls = atomic.load<i32>(pool, POOL_CALLS);
    const runs = atomic.load<i32>(pool, POOL_RUNS);
    if (thread >= threadsOf(runs)) atomic.wait<i32>(pool + POOL_CALLS, calls, SLEEP);
    else if (runs != seen) return runs;
    else if (!spinWhile(pool + POOL_RUNS, runs, IDLE_SPINS)) sleepWhile(pool, POOL_RUNS, runs, i32.MAX_VALUE);
  }
  return 0;
}

/** Number of the memory of the latest run. */
export function partOfRun(pool: usize): i32 {
  return load<i32>(pool, POOL_PART);
}

// @inline
function threadsOf(runs: i32): i32 {
  return runs & ((1 << RUN_THREADS_BITS) - 1);
}

/**
 * Arrives at a barrier. True for the last thread, which must call `release`; the others call `awaitRelease` with the count
 * that was there before.
 */
// @inline
export function arriveLast(pool: usize): bool {
  return atomic.add<i32>(pool, 1, POOL_ARRIVED) == load<i32>(pool, POOL_THREADS) - 1;
}

// @inline
export function barriers(pool: usize): i32 {
  return atomic.load<i32>(pool, POOL_BARRIERS);
}

export function release(pool: usize): void {
  atomic.store<i32>(pool, 0, POOL_ARRIVED);
  advance(pool, POOL_BARRIERS);
}

/** A thread that was terminated tells nobody: the engine's own gives up when none gets on for a while, and then all do. */
export function awaitRelease(pool: usize, before: i32, thread: i32): void {
  const line = lineOf(pool, thread);
  const spins = load<i32>(line, POOL_SPINS) || MOST_SPINS;
  if (spinWhile(pool + POOL_BARRIERS, before, spins)) {
    store<i32>(line, min(2 * spins, MOST_SPINS), POOL_SPINS);
    return;
  }
  store<i32>(line, FEWEST_SPINS, POOL_SPINS);
  store<i32>(line, load<i32>(line, POOL_WAITS) + 1, POOL_WAITS);
  const sleeps = thread == 0 ? load<i32>(pool, POOL_BUDGET) : i32.MAX_VALUE;
  if (!sleepWhile(pool, POOL_BARRIERS, before, sleeps)) atomic.store<i32>(pool, 1, POOL_FAILED);
}

/** A thread has computed a chunk. */
// @inline
export function getOn(pool: usize, thread: i32): void {
  const line = lineOf(pool, thread);
  store<i32>(line, load<i32>(line, POOL_PROGRESS) + 1, POOL_PROGRESS);
}

// @inline
function lineOf(pool: usize, thread: i32): usize {
  return pool + ((<usize>thread % POOL_PROGRESS_LINES) << 6);
}

/** Another number once any of the others has computed a chunk. */
function progress(pool: usize): i32 {
  const threads = load<i32>(pool, POOL_THREADS);
  let chunks = 0;
  for (let thread = 1; thread < threads; thread++) chunks += load<i32>(lineOf(pool, thread), POOL_PROGRESS);
  return chunks;
}

// @inline
export function failed(pool: usize): bool {
  return atomic.load<i32>(pool, POOL_FAILED) != 0;
}

// @inline
export function stopped(pool: usize): bool {
  return atomic.load<i32>(pool, POOL_STOP) != 0;
}

function advance(pool: usize, field: usize): void {
  atomic.add<i32>(pool + field, 1);
  wakeSleeping(pool, field);
}

function wakeSleeping(pool: usize, field: usize): void {
  // A thread that is about to sleep has said so before it looks once more.
  if (atomic.load<i32>(pool, POOL_SLEEPING)) atomic.notify(pool + field, -1);
}

/** False when the value is still the same after so many looks. */
function spinWhile(at: usize, value: i32, spins: i32): bool {
  for (let i = 0; i < spins; i++) if (atomic.load<i32>(at) != value) return true;
  return false;
}

/** False when the value is still the same, and no other thread has got on, after `sleeps` sleeps. */
function sleepWhile(pool: usize, field: usize, value: i32, sleeps: i32): bool {
  const at = pool + field;
  atomic.add<i32>(pool, 1, POOL_SLEEPING);
  let left = sleeps;
  let before = progress(pool);
  while (left > 0 && atomic.load<i32>(at) == value && !failed(pool)) {
    if (atomic.wait<i32>(at, value, SLEEP) != AtomicWaitResult.TIMED_OUT) continue;
    const now = progress(pool);
    left = now == before ? left - 1 : sleeps;
    before = now;
  }
  atomic.sub<i32>(pool, 1, POOL_SLEEPING);
  return left > 0;
}
