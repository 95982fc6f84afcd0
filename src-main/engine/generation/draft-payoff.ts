/** Weight of what was measured before, per run. */
const DECAY = 0.9;
/** Runs before they are judged. */
const TRIAL_RUNS = 3;
/** Tokens without drafts after a loss. It doubles with each loss, so that drafts that never help cost little. */
const FIRST_PAUSE = 16;
const LONGEST_PAUSE = 512;

interface Rate {
  runs: number;
  tokens: number;
  ms: number;
}

/**
 * Decides from what was measured in this reply whether drafts help: they do while runs with them give more tokens per
 * second than runs of one token. How much a longer run costs depends on the model, the processor and its load, and how many
 * tokens are accepted depends on the text.
 */
export class DraftPayoff {
  private plain = noRate();
  private drafted = noRate();
  private pause = FIRST_PAUSE;
  private pausedFor = 0;

  /** Asked before each run that could have drafts. */
  isWorthTrying(): boolean {
    if (this.plain.runs < TRIAL_RUNS) return false;
    if (this.pausedFor === 0) return true;
    this.pausedFor--;
    return false;
  }

  /** A run of one token. */
  notePlain(ms: number): void {
    note(this.plain, 1, ms);
  }

  /** @param tokens that the run gave: the accepted ones and one more */
  noteDrafted(tokens: number, ms: number): void {
    const { plain, drafted } = this;
    note(drafted, tokens, ms);
    if (drafted.runs < TRIAL_RUNS) return;
    if (drafted.tokens * plain.ms >= plain.tokens * drafted.ms) {
      this.pause = FIRST_PAUSE;
      return;
    }
    this.pausedFor = this.pause;
    this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
    this.drafted = noRate();
  }
}

function noRate(): Rate {
  return { runs: 0, tokens: 0, ms: 0 };
}

function note(rate: Rate, tokens: number, ms: number): void {
  rate.runs++;
  rate.tokens = rate.tokens * DECAY + tokens;
  rate.ms = rate.ms * DECAY + ms;
}
