import { MAX_VOTES, type BlindVote } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { isBranch, type Lane } from './lane.svelte.ts';

/** Blind votes: the lanes' order is shuffled, and who is who is hidden until the vote. */
export class BlindVoting {
  #on = $state(false);
  /** The lanes in the order of the screen; empty before the first round. */
  order = $state.raw<readonly Lane[]>([]);
  /** The vote of this round, or null. */
  choice = $state.raw<BlindVote | null>(null);
  /** From 1. */
  round = $state(0);
  votes = $state.raw<readonly BlindVote[]>([]);
  readonly #random: () => number;

  /** @param random 0 to 1, without 1 */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  get on(): boolean {
    return this.#on;
  }

  /** Names and settings must not be seen. */
  get hides(): boolean {
    return this.#on && this.order.length > 0 && this.choice === null;
  }

  /** Turns it on, with a round about these lanes if they have replies, or off. */
  turn(on: boolean, lanes: readonly Lane[]): void {
    this.#on = on;
    this.order = [];
    this.choice = null;
    this.round = 0;
    if (on && lanes.some(({ reply }) => reply !== null)) this.begin(lanes);
  }

  /** Forgets the votes and rounds: other lanes are compared. */
  reset(): void {
    this.order = [];
    this.choice = null;
    this.round = 0;
    this.votes = [];
  }

  /** Shuffles and hides the lanes. */
  begin(lanes: readonly Lane[]): void {
    if (!this.#on) return;
    // A person has steered branches.
    for (const lane of lanes) if (lane.reply !== null && isBranch(lane.reply)) lane.shown = 0;
    this.order = shuffled(lanes, this.#random);
    this.choice = null;
    this.round++;
  }

  vote(vote: BlindVote): void {
    if (!this.hides) return;
    // A run with more could not be stored.
    this.votes = [...this.votes, vote].slice(-MAX_VOTES);
    this.choice = vote;
  }
}

/** Fisher and Yates. */
export function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const all = [...list];
  for (let at = all.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [all[at], all[other]] = [all[other], all[at]];
  }
  return all;
}
