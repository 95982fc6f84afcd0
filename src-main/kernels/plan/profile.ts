/** Where the time of a run goes, for who asks: per operation, ms that a thread computed it and ms that it waited for others. */
import { PROFILE_BYTES, RUN_PROFILE } from '../../engine/executors/wasm/plan-layout';

/** The host's clock, ms. */
// @external('env', 'now')
export declare function now(): f64;

function entry(run: usize, op: i32): usize {
  return <usize>load<i32>(run, RUN_PROFILE) + <usize>op * PROFILE_BYTES;
}

export function addComputing(run: usize, op: i32, ms: f64): void {
  const at = entry(run, op);
  store<f64>(at, load<f64>(at) + ms);
}

export function addWaiting(run: usize, op: i32, ms: f64): void {
  const at = entry(run, op);
  store<f64>(at, load<f64>(at, 8) + max(ms, 0), 8);
}

/** What operations `first` up to `end` have taken so far. */
export function computing(run: usize, first: i32, end: i32): f64 {
  let sum: f64 = 0;
  for (let op = first; op < end; op++) sum += load<f64>(entry(run, op));
  return sum;
}
