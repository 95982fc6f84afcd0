import { expect, test } from '../support/test.ts';
import { KillRounds, MAX_LOST_MS, seededRandom, type Victim } from './kill-rounds.ts';

/** In each host in the full run; `run-kills.ts` does hundreds. */
const ALL: readonly Victim[] = ['app', 'app', 'engine', 'app', 'app', 'engine', 'app', 'app', 'engine', 'app'];
const VICTIMS = process.env.TOKENSCOPE_TEST_FULL === '1' ? ALL : ALL.slice(0, 4);

/** Half as long again as what may be lost. */
const LONGEST_LIFE_MS = 1500;

test('kills at random moments lose at most the last second of text', { tag: '@alone' }, async ({ app }) => {
  test.setTimeout(180_000);
  // The engine's and the host's end is being tested.
  app.guard.allow(
    /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|net::ERR_/,
  );
  const seed = Date.now() % 1_000_000;
  const rounds = new KillRounds(app, seededRandom(seed), LONGEST_LIFE_MS);
  for (const [number, victim] of VICTIMS.entries()) {
    const result = await rounds.round(victim);
    const name = `kill ${number + 1} (${victim}, ${result.action}, seed ${seed})`;
    expect(result.problems, name).toEqual([]);
    expect(result.lostMs, `${name}: ms of text lost`).toBeLessThanOrEqual(MAX_LOST_MS);
  }
});
