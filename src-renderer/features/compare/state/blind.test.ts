import { describe, expect, it } from 'vitest';
import { MAX_VOTES, type BlindVote } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { BlindVoting, shuffled } from './blind.svelte.ts';
import { newLaneSettings } from './lane-settings.ts';
import { Lane } from './lane.svelte.ts';

const lanes = [1, 2, 3].map((seed) => new Lane(newLaneSettings({ id: 'm', name: 'M' }, { seed })));
const VOTE: BlindVote = { at: '2026-01-01T00:00:00Z', winner: 1, lanes: [] };

describe('BlindVoting', () => {
  it('hides the lanes, in another order, until the vote', () => {
    const blind = new BlindVoting(() => 0);
    blind.turn(true, lanes);
    // Nothing has run: there is nothing to hide yet.
    expect(blind.hides).toBe(false);
    blind.begin(lanes);
    expect(blind.hides).toBe(true);
    expect(blind.order).toEqual([lanes[1], lanes[2], lanes[0]]);
    blind.vote(VOTE);
    expect(blind.hides).toBe(false);
    expect(blind.choice).toBe(VOTE);
    // A second vote in the same round does not count.
    blind.vote({ ...VOTE, winner: null });
    expect(blind.votes).toEqual([VOTE]);
    blind.begin(lanes);
    expect([blind.round, blind.hides]).toEqual([2, true]);
  });
  it('keeps the latest votes only, so that the run can be stored', () => {
    const blind = new BlindVoting();
    blind.turn(true, lanes);
    blind.votes = Array.from({ length: MAX_VOTES }, () => VOTE);
    blind.begin(lanes);
    blind.vote({ ...VOTE, winner: null });
    expect(blind.votes).toHaveLength(MAX_VOTES);
    expect(blind.votes.at(-1)?.winner).toBeNull();
  });
  it('begins with lanes that have run, and ends when it is turned off', () => {
    const blind = new BlindVoting();
    lanes[0].begin();
    blind.turn(true, lanes);
    expect(blind.hides).toBe(true);
    blind.turn(false, lanes);
    expect([blind.hides, blind.order]).toEqual([false, []]);
    blind.begin(lanes);
    expect(blind.hides).toBe(false);
  });
});

describe('shuffled', () => {
  it('gives every order about equally often', () => {
    const counts = new Map<string, number>();
    let state = 1;
    const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
    for (let trial = 0; trial < 6000; trial++) {
      const order = shuffled([1, 2, 3], random).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    // 1,000 each; the standard deviation is 29, so 150 is more than five of them.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});
