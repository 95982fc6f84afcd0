/** Names and explanations of the stages of a draw. */
import type { SamplerName, SamplerStageReport, SamplingParams } from '../../../src-main/engine/api/types.ts';
import { formatCount, formatInteger, formatPercent, withUnit } from '../../ui/format.ts';
import { STAGES } from '../chat/sampling/stages.ts';

interface StageText {
  label: string;
  /** What the stage does, in the table's head. */
  note: (sampling: SamplingParams, report: SamplerStageReport) => string;
  /** Why it removed a candidate, in the candidate's cell. */
  reason: (sampling: SamplingParams, report: SamplerStageReport) => string;
  /** It changes or rules out single logits, rather than working with probabilities. */
  onLogits?: boolean;
}

const nothing = () => '';

const SAMPLERS: Readonly<Record<SamplerName, Omit<StageText, 'label'>>> = {
  penalties: { note: () => 'repeats lose some', reason: nothing, onLogits: true },
  dry: { note: () => 'long repeats lose more', reason: nothing, onLogits: true },
  top_n_sigma: {
    note: ({ topNSigma }) => `within ${round(topNSigma)} σ of the best`,
    reason: ({ topNSigma }) => `beyond ${round(topNSigma)} σ`,
  },
  top_k: {
    note: ({ topK }) => `${formatInteger(topK)} best stay`,
    reason: ({ topK }) => (topK === 1 ? 'not the best' : `not in the top ${formatInteger(topK)}`),
  },
  typical: {
    note: ({ typicalP }) => `most typical ${percent(typicalP)}`,
    reason: () => 'not typical',
  },
  top_p: {
    note: ({ topP }) => `until ${percent(topP)} is reached`,
    reason: ({ topP }) => `beyond ${percent(topP)}`,
  },
  min_p: {
    note: ({ minP }) => `${percent(minP)} of the best or more`,
    reason: ({ minP }) => `below ${percent(minP)} of the best`,
  },
  xtc: {
    note({ xtcProbability }, { findings }) {
      const random = findings?.random;
      if (random === undefined) return 'needs two candidates';
      const acts = random <= xtcProbability;
      return `${acts ? 'acts' : 'rests'}: ${random.toFixed(2)} ${acts ? '≤' : '>'} ${xtcProbability.toFixed(2)}`;
    },
    reason: ({ xtcThreshold }) => `above ${percent(xtcThreshold)}`,
  },
  temperature: {
    note({ temperature, dynatempRange }, { findings }) {
      const applied = findings?.temperature ?? temperature;
      if (applied <= 0) return 'at 0, the best wins';
      const effect = applied === 1 ? 'changes nothing' : applied < 1 ? 'sharpens' : 'flattens';
      return dynatempRange > 0 ? `${round(applied)} here, ${effect}` : `${round(applied)} ${effect}`;
    },
    reason: () => 'not the best',
  },
};

const OTHERS: Readonly<Record<string, StageText>> = {
  mask: { label: 'Masked', note: () => 'never generated', reason: () => 'never generated', onLogits: true },
  continue: { label: 'Continue', note: () => 'no end at first', reason: () => 'would end it again', onLogits: true },
  grammar: {
    label: 'Answer format',
    note: () => 'what the format allows',
    reason: () => 'against the format',
    onLogits: true,
  },
  banned_texts: { label: 'Bans', note: () => 'no banned text', reason: () => 'contains a ban', onLogits: true },
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
    note: ({ adaptiveTarget }) => `favours ${percent(adaptiveTarget)}`,
    reason: nothing,
  },
};

/** The texts of a stage by its name in reports. */
export function stageText(stage: string): StageText {
  const name = stage as SamplerName;
  if (Object.hasOwn(SAMPLERS, stage)) return { label: STAGES[name].label, ...SAMPLERS[name] };
  return OTHERS[stage] ?? { label: stage, note: nothing, reason: nothing };
}

/** Whether a stage takes part in the draw with these settings. */
export function isOn(stage: string, sampling: SamplingParams): boolean {
  if (sampling.mirostat === 0 && Object.hasOwn(SAMPLERS, stage)) return STAGES[stage as SamplerName].isOn(sampling);
  return stage === 'mirostat' || stage === 'adaptive_p' || (stage === 'temperature' && sampling.temperature !== 1);
}

/** `1 candidate is left`, `6 candidates are left`. */
export function candidatesLeft(count: number): string {
  return `${formatCount(count, 'candidate')} ${count === 1 ? 'is' : 'are'} left`;
}

const round = (value: number) => String(Math.round(value * 100) / 100);
const bits = (value = 0) => withUnit(value.toFixed(1), 'bits');

function percent(fraction: number): string {
  const whole = Math.round(fraction * 1e6) / 1e4;
  return Number.isInteger(whole) ? withUnit(String(whole), '%') : formatPercent(fraction);
}
