/** Settings of lanes: defaults, and what a lane's settings do, in a few words. */
import { defaultSamplingParams, defaultStopParams } from '../../../../src-main/engine/api/defaults.ts';
import type {
  ChatMessage,
  GenerateParams,
  PromptInput,
  SamplingParams,
} from '../../../../src-main/engine/api/types.ts';
import { NO_TOKEN } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { ComparedPrompt, LaneSettings } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { isGreedy } from '../../chat/sampling/presets.ts';
import { STAGES, type StageInfo } from '../../chat/sampling/stages.ts';
import { CANDIDATES } from '../../chat/state/reply-request.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import { formatInteger } from '../../../ui/format.ts';

/** Seed of new lanes: the same for all, so that only what differs on purpose makes a difference. */
export const FIRST_SEED = 42;

/** A model as lanes name it. */
export interface ModelRef {
  readonly id: string;
  readonly name: string;
}

/** Samples from the model's own probabilities: no stage changes anything. */
export const PLAIN_SAMPLING: SamplingParams = Object.values(STAGES).reduce<SamplingParams>(
  (sampling, { off }) => ({ ...sampling, ...off }),
  defaultSamplingParams(),
);

/** A lane without a label of its own: see `laneLabels`. */
export function newLaneSettings(model: ModelRef, sampling: Partial<SamplingParams> = {}): LaneSettings {
  return {
    label: '',
    modelId: model.id,
    modelName: model.name,
    sampling: { ...PLAIN_SAMPLING, seed: FIRST_SEED, ...sampling },
    stop: defaultStopParams(),
    systemPrompt: '',
    template: { kind: 'model' },
    enableThinking: null,
    executor: null,
    samples: 1,
  };
}

type ChatPrompt = Extract<PromptInput, { kind: 'chat' }>;

/** The request for one sample of a lane. @param sample from 0 */
export function laneParams(prompt: ComparedPrompt, settings: LaneSettings, sample: number): GenerateParams {
  const { sampling, stop } = settings;
  return {
    prompt: promptOf(prompt, settings),
    sampling: { ...sampling, seed: seedOf(settings, sample) },
    stop,
    useKvCache: true,
    topCandidates: CANDIDATES,
  };
}

/** The prompt of a lane, with the first `end` tokens of a reply to it behind. */
export function promptWith(
  prompt: ComparedPrompt,
  settings: LaneSettings,
  reply: Pick<Reply, 'ids' | 'slice' | 'startOf'>,
  end: number,
): ChatPrompt {
  const asked = promptOf(prompt, settings);
  const replyIds = reply.ids(0, end);
  if (replyIds.length === 0) return asked;
  if (!replyIds.includes(NO_TOKEN)) return { ...asked, replyIds };
  const text = reply.slice(0, reply.startOf(end));
  return { ...asked, messages: [...asked.messages, { role: 'assistant', text }] };
}

function promptOf(prompt: ComparedPrompt, settings: LaneSettings): ChatPrompt {
  const { template, enableThinking } = settings;
  return {
    kind: 'chat',
    messages: messagesOf(prompt, settings.systemPrompt),
    template,
    ...(prompt.kind === 'text' || prompt.whenFull === undefined ? {} : { whenFull: prompt.whenFull }),
    ...(enableThinking === null ? {} : { enableThinking }),
  };
}

/** Seed of a sample; null for a new one each time. */
export function seedOf({ sampling }: LaneSettings, sample: number): number | null {
  return sampling.seed === null ? null : (sampling.seed + sample) % 2 ** 32;
}

function messagesOf(prompt: ComparedPrompt, systemPrompt: string): ChatMessage[] {
  const said = prompt.kind === 'text' ? [{ role: 'user', text: prompt.text } as const] : prompt.messages;
  return systemPrompt.trim() === '' ? [...said] : [{ role: 'system', text: systemPrompt }, ...said];
}

export function isEmptyPrompt(prompt: ComparedPrompt): boolean {
  return prompt.kind === 'text' ? prompt.text.trim() === '' : prompt.messages.length === 0;
}

/** Why lanes cannot be run with a prompt, or null. */
export function promptProblem(prompt: ComparedPrompt): string | null {
  return isEmptyPrompt(prompt) ? 'Write a prompt first.' : null;
}

/** What a stage that is on does: `top-k 40`. */
function stageText({ label, main }: StageInfo, sampling: SamplingParams): string {
  return `${label} ${numberText(sampling[main.key])}`;
}

export function numberText(value: number): string {
  return Number.isInteger(value) ? formatInteger(value) : String(Number(value.toFixed(3)));
}

/** The stages of a chain that do something, most telling first: `Temperature 0.7`, `Top-k 40`. */
export function samplingParts(sampling: SamplingParams): string[] {
  if (isGreedy(sampling)) return ['Greedy'];
  if (sampling.mirostat !== 0) return [`Mirostat ${sampling.mirostat}`, `Target ${numberText(sampling.mirostatTau)}`];
  const on = sampling.samplers.filter((name) => name !== 'temperature' && STAGES[name].isOn(sampling));
  const parts = [...new Set(on)].map((name) => stageText(STAGES[name], sampling));
  if (sampling.samplers.includes('temperature') && STAGES.temperature.isOn(sampling)) {
    parts.unshift(stageText(STAGES.temperature, sampling));
  }
  if (sampling.adaptiveTarget >= 0) parts.push(`Adaptive-p ${numberText(sampling.adaptiveTarget)}`);
  return parts;
}

/** What the sampling of a lane does, below its name: `temperature 1 · top-k 40`. */
export function samplingSummary(sampling: SamplingParams): string {
  if (isGreedy(sampling)) return 'always the top token';
  const parts = samplingParts(sampling).map(lowerFirst);
  if (parts.length === 0) return 'every token allowed';
  if (parts.every((part) => part.startsWith('temperature'))) return [...parts, 'all tokens'].join(' · ');
  const { temperature, mirostat } = sampling;
  const hasTemperature = mirostat !== 0 || parts.some((part) => part.startsWith('temperature'));
  return (hasTemperature ? parts : [`temperature ${numberText(temperature)}`, ...parts]).join(' · ');
}

/** But not `DRY 0.8` or `XTC 0.5`. */
export function lowerFirst(text: string): string {
  return /^[A-Z]{2}/u.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1);
}
