/** The interpreter: runs a plan from its first operation to its last, in chunks between which cancelling is heard. */
import {
  ATTENTION,
  FLAG_BARRIER,
  FLAG_CHAIN,
  LINEAR,
  OP_BYTES,
  OP_CODE,
  OP_FLAGS,
  OP_PANEL_BYTES,
  OP_TAKEN,
  OP_WEIGHT,
  POOL_COUNT,
  POOL_PLAN,
  POOL_RUN,
  POOL_THREADS,
  RUN_CANCELLED,
  RUN_PROFILE,
  RUN_STREAMS,
} from '../../engine/executors/wasm/plan-layout';
import { MANY_ROWS } from '../base/streams';
import { chunkSize, chunkStart, isInWholes, largeChunk, rowsOf, unitsOf } from './chunks';
import { execute, tileOf } from './execute';
import { arriveLast, awaitRelease, barriers, failed, getOn, release } from './pool';
import { addComputing, addWaiting, computing, now } from './profile';

/** The host's answer to: was this run cancelled? */
// @external('env', 'cancelled')
declare function cancelled(): i32;

/** Tells the host that a run on so many threads begins. They wait in the first of the model's memories, perhaps not this one. */
// @external('env', 'begin')
declare function begin(threads: i32): void;

/** Up to so many rows, one thread does what treats rows by themselves: that is less than meeting once more takes. */
const SERIAL_ROWS: i32 = 4;

/**
 * Runs `count` operations, with the threads of the pool if there are any. Returns 0; 1 when the run was cancelled; 2 when
 * a thread failed.
 */
export function runPlan(plan: usize, count: i32, run: usize, pool: usize): i32 {
  if (ASC_FEATURE_THREADS) {
    if (load<i32>(pool, POOL_THREADS) > 1) return runTogether(plan, count, run, pool);
    begin(1);
  }
  for (let i = 0; i < count;) {
    const op = opAt(plan, i);
    const end = chainEnd(plan, i);
    const units = unitsOf(op, run);
    const size = chunkSize(op, run, units, 1);
    for (let from = 0; from < units; from += size) {
      if (cancelled()) return 1;
      executeChain(plan, i, end, run, from, min(from + size, units), 0, true);
    }
    i = end;
  }
  return 0;
}

function runTogether(plan: usize, count: i32, run: usize, pool: usize): i32 {
  // Each thread begins with a chunk of its own.
  const threads = load<i32>(pool, POOL_THREADS);
  for (let i = 0; i < count; i++) store<i32>(opAt(plan, i), threads, OP_TAKEN);
  store<i32>(pool, <i32>plan, POOL_PLAN);
  store<i32>(pool, count, POOL_COUNT);
  store<i32>(pool, <i32>run, POOL_RUN);
  begin(threads);
  runShare(plan, count, run, pool, 0);
  if (failed(pool)) return 2;
  return load<i32>(run, RUN_CANCELLED);
}

/** Called by each thread of the pool: computes its share of the run that has started in this memory. */
export function work(pool: usize, thread: i32): void {
  if (!ASC_FEATURE_THREADS) return;
  runShare(
    <usize>load<i32>(pool, POOL_PLAN),
    load<i32>(pool, POOL_COUNT),
    <usize>load<i32>(pool, POOL_RUN),
    pool,
    thread,
  );
}

/** One thread's way through a plan. All threads take the same turns, also when the run is cancelled: they meet. */
function runShare(plan: usize, count: i32, run: usize, pool: usize, thread: i32): void {
  const threads = load<i32>(pool, POOL_THREADS);
  let together = true;
  for (let i = 0; i < count;) {
    const op = opAt(plan, i);
    let end = chainEnd(plan, i);
    if (isSerial(op, run)) {
      // Nothing to share: whoever arrives last does it, and what follows of this kind, before letting the others go.
      while (end < count && isSerial(opAt(plan, end), run)) end = chainEnd(plan, end);
      meet(plan, i, end, count, run, pool, thread);
      together = true;
      i = end;
      continue;
    }
    if (!together && load<i32>(op, OP_FLAGS) & FLAG_BARRIER) meet(plan, i, i, count, run, pool, thread);
    together = false;
    const units = unitsOf(op, run);
    const size = chunkSize(op, run, units, threads);
    const large = largeChunk(op, run, units, threads, size);
    for (let chunk = thread; ; chunk = atomic.add<i32>(op, 1, OP_TAKEN)) {
      const from = chunkStart(chunk, threads, large, size);
      if (from >= units || isCancelled(run, thread) || failed(pool)) break;
      const to = min(chunkStart(chunk + 1, threads, large, size), units);
      executeChain(plan, i, end, run, from, to, thread, thread == 0);
      getOn(pool, thread);
    }
    i = end;
  }
  meet(plan, count - 1, count - 1, 0, run, pool, thread);
}

/** A barrier, at which the last thread to arrive executes operations `first` up to `end`. */
function meet(plan: usize, first: i32, end: i32, count: i32, run: usize, pool: usize, thread: i32): void {
  const timed = thread == 0 && load<i32>(run, RUN_PROFILE) != 0;
  const computed = timed ? computing(run, first, end) : 0;
  const started = timed ? now() : 0;
  const before = barriers(pool);
  if (arriveLast(pool)) {
    for (let i = first; i < end; i++) {
      const op = opAt(plan, i);
      executeChain(plan, i, i + 1, run, 0, unitsOf(op, run), thread, true);
      getOn(pool, thread);
    }
    release(pool);
  } else {
    if (end < count) fetchWeights(opAt(plan, end), run, pool, before, thread);
    awaitRelease(pool, before, thread);
  }
  if (timed) addWaiting(run, first, now() - started - (computing(run, first, end) - computed));
}

/** Lines of memory at most that a thread that waits loads of each stream that it will read from: of eight, and of two. */
const FETCHED_LINES: i32 = 32;
const FETCHED_LINES_OF_TWO: i32 = 16;

/** While the others are not there, loads what this thread's part of a product with few rows begins with. */
function fetchWeights(op: usize, run: usize, pool: usize, before: i32, thread: i32): void {
  if (load<i32>(op, OP_CODE) != LINEAR || rowsOf(op, run) >= MANY_ROWS) return;
  const threads = load<i32>(pool, POOL_THREADS);
  const streams = load<i32>(run, RUN_STREAMS);
  const units = unitsOf(op, run);
  const panels = largeChunk(op, run, units, threads, chunkSize(op, run, units, threads));
  if (panels < 8 || (thread + 1) * panels > units) return;
  const bytes = <usize>load<i32>(op, OP_PANEL_BYTES);
  const step = <usize>(panels / streams) * bytes;
  const lines = isInWholes(run) ? FETCHED_LINES_OF_TWO : FETCHED_LINES;
  let at = <usize>load<i32>(op, OP_WEIGHT) + <usize>(thread * panels) * bytes;
  let found = 0;
  for (let i = 0; i < lines && barriers(pool) == before; i++, at += 64) {
    let from = at;
    for (let stream = 0; stream < streams; stream++, from += step) found |= load<i32>(from);
  }
  // Where nobody reads it: else the compiler would leave out what fetches.
  store<i32>(tileOf(run, thread), found);
}

/** The engine's thread asks the host and tells the others. */
function isCancelled(run: usize, thread: i32): bool {
  if (thread == 0 && cancelled()) atomic.store<i32>(run, 1, RUN_CANCELLED);
  return atomic.load<i32>(run, RUN_CANCELLED) != 0;
}

// @inline
function opAt(plan: usize, i: i32): usize {
  return plan + <usize>i * OP_BYTES;
}

/** Index after the last operation that shares the chunks of operation `i`. */
function chainEnd(plan: usize, i: i32): i32 {
  while (load<i32>(opAt(plan, i), OP_FLAGS) & FLAG_CHAIN) i++;
  return i + 1;
}

/** Whether there is too little to share. */
function isSerial(op: usize, run: usize): bool {
  const units = unitsOf(op, run);
  if (units <= 1) return true;
  const code = load<i32>(op, OP_CODE);
  return code != LINEAR && code != ATTENTION && units <= SERIAL_ROWS;
}

/** @param tells whether the time counts: of what threads share, the engine's own thread's does */
function executeChain(
  plan: usize,
  first: i32,
  end: i32,
  run: usize,
  from: i32,
  to: i32,
  thread: i32,
  tells: bool,
): void {
  const timed = tells && load<i32>(run, RUN_PROFILE) != 0;
  for (let i = first; i < end; i++) {
    const started = timed ? now() : 0;
    execute(opAt(plan, i), run, from, to, thread);
    if (timed) addComputing(run, i, now() - started);
  }
}
