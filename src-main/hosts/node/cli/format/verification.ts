import { differenceText, type Difference } from '../../../../protocol/engine/receipt/differences.ts';
import { firstDifference, type Receipt } from '../../../../protocol/engine/receipt/receipt.ts';
import type { Continuation, RepeatOutcome } from '../../../../protocol/engine/receipt/repeat-reply.ts';
import { formatCount } from './numbers.ts';

/** The result of `verify`. */
export type Verification = { differences: Difference[] } & (RepeatOutcome | { result: 'other_model' });

/** For people: tokens count from 1. */
export function formatVerification(receipt: Receipt, verification: Verification): string {
  const differences = verification.differences.map(differenceText);
  return [...resultLines(receipt, verification), ...differences].join('\n');
}

function resultLines({ promptIds, reply }: Receipt, verification: Verification): string[] {
  switch (verification.result) {
    case 'identical':
      return [`Identical: ${formatCount(reply.ids.length, 'token')}.`];
    case 'differs': {
      const { at, recorded, repeated } = verification;
      return [
        `Differs from token ${at + 1} of ${reply.ids.length}.`,
        `Recorded: ${continuationText(recorded)}`,
        `Repeated: ${continuationText(repeated)}`,
      ];
    }
    case 'other_prompt':
      return [
        `Cannot be repeated: the prompt differs from token ${firstDifference(promptIds, verification.promptIds) + 1}.`,
      ];
    case 'other_model':
      return ['Cannot be repeated: the model file differs.'];
  }
}

function continuationText({ id, text }: Continuation): string {
  return id === null ? 'ends before it' : `${JSON.stringify(text)} (token ${id})`;
}
