/** Names and explanations of the stages of a draw. */
import type { SamplerName, SamplingParams } from '../../../src-main/engine/api/types.ts';
import { formatCount, withUnit } from '../../ui/format.ts';
import { STAGES, wholePercent, type StageInfo } from '../chat/sampling/stages.ts';

type StageText = Pick<StageInfo, 'label' | 'note' | 'reason' | 'onLogits'>;

const nothing = () => '';

const OTHERS: Readonly<Record<string, StageText>> = {
  mask: { label: 'Masked', note: () => 'never generated', reason: () => 'never generated', onLogits: true },
  continue: {
    label: 'Continue',
    note: () => 'cannot end immediately',
    reason: () => 'would end the reply again',
    onLogits: true,
  },
  grammar: {
    label: 'Answer format',
    note: () => 'what the format allows',
    reason: () => 'not allowed by the format',
    onLogits: true,
  },
  banned_texts: {
    label: 'Banned texts',
    note: () => 'no banned text',
    reason: () => 'contains a banned text',
    onLogits: true,
  },
  text_bias: { label: 'Text bias', note: () => 'adds to logits', reason: nothing, onLogits: true },
  logit_bias: { label: 'Logit bias', note: () => 'adds to logits', reason: nothing, onLogits: true },
  mirostat: {
    label: 'Mirostat',
    note: (_, { findings }) => `up to ${bits(findings?.maxSurprisal)}`,
    reason: ({ mirostat }, { findings }) =>
      mirostat === 1 ? 'beyond its estimate' : `above ${bits(findings?.maxSurprisal)}`,
  },
  adaptive_p: {
    label: 'Adaptive-p',
    note: ({ adaptiveTarget }) => `favours ${wholePercent(adaptiveTarget)}`,
    reason: nothing,
  },
};

/** The texts of a stage by its name in reports. */
export function stageText(stage: string): StageText {
  const name = stage as SamplerName;
  if (Object.hasOwn(STAGES, stage)) return STAGES[name];
  return OTHERS[stage] ?? { label: stage, note: nothing, reason: nothing };
}

/** Whether a stage takes part in the draw with these settings. */
export function isOn(stage: string, sampling: SamplingParams): boolean {
  if (sampling.mirostat === 0 && Object.hasOwn(STAGES, stage)) return STAGES[stage as SamplerName].isOn(sampling);
  return stage === 'mirostat' || stage === 'adaptive_p' || (stage === 'temperature' && sampling.temperature !== 1);
}

/** `1 candidate is left`, `6 candidates are left`. */
export function candidatesLeft(count: number): string {
  return `${formatCount(count, 'candidate')} ${count === 1 ? 'is' : 'are'} left`;
}

const bits = (value = 0) => withUnit(value.toFixed(1), 'bits');
