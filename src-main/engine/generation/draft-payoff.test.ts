import { describe, expect, it } from 'vitest';
import { DraftPayoff } from './draft-payoff.ts';

/** After enough runs of one token, of 10 ms each. */
function measured(): DraftPayoff {
  const payoff = new DraftPayoff();
  for (let i = 0; i < 3; i++) {
    expect(payoff.isWorthTrying()).toBe(false);
    payoff.notePlain(10);
  }
  return payoff;
}

/** Tokens without drafts until the next try. */
function pauseOf(payoff: DraftPayoff): number {
  let tokens = 0;
  while (!payoff.isWorthTrying()) {
    payoff.notePlain(10);
    tokens++;
  }
  return tokens;
}

describe('drafts', () => {
  it('are tried once the time of one token is known, and kept while they raise the token rate', () => {
    const payoff = measured();
    for (let i = 0; i < 50; i++) {
      expect(payoff.isWorthTrying()).toBe(true);
      payoff.noteDrafted(i % 2 === 0 ? 1 : 4, 16);
    }
  });

  it('pause when they cost more than they give, twice as long each time', () => {
    const payoff = measured();
    const pauses = [];
    for (let i = 0; i < 7; i++) {
      for (let run = 0; run < 3; run++) payoff.noteDrafted(1, 16);
      pauses.push(pauseOf(payoff));
    }
    expect(pauses).toEqual([16, 32, 64, 128, 256, 512, 512]);
  });

  it('pause briefly again after they helped', () => {
    const payoff = measured();
    for (let run = 0; run < 3; run++) payoff.noteDrafted(1, 16);
    expect(pauseOf(payoff)).toBe(16);
    for (let run = 0; run < 3; run++) payoff.noteDrafted(4, 16);
    for (let run = 0; payoff.isWorthTrying(); run++) payoff.noteDrafted(1, 16);
    expect(pauseOf(payoff)).toBe(15);
  });

  it('are tried when the clock is too coarse to tell', () => {
    const payoff = new DraftPayoff();
    for (let i = 0; i < 3; i++) payoff.notePlain(0);
    for (let i = 0; i < 10; i++) payoff.noteDrafted(1, 0);
    expect(payoff.isWorthTrying()).toBe(true);
  });
});
