/** Labels of a model: its source, its settings. */
import { defaultSamplingParams } from '../../../src-main/engine/api/defaults.ts';
import { STOP_SETTINGS } from '../../../src-main/engine/settings/generation.ts';
import { SAMPLING_SETTINGS } from '../../../src-main/engine/settings/sampling.ts';
import type { Setting, SettingTable, Unit } from '../../../src-main/engine/settings/setting.ts';
import type {
  ExecutorChoice,
  ExecutorName,
  GpuAdapterFacts,
  WeightsInMemory,
  ModelDescription,
  SamplingParams,
} from '../../../src-main/engine/api/types.ts';
import type { ModelListing, ModelSettings, ModelSource } from '../../../src-main/protocol/app/app-services.ts';
import { formatCount, formatDecimal, formatDuration, formatInteger, withUnit } from '../../ui/format.ts';
import { USUAL_ORDER } from '../chat/sampling/chain.ts';
import { STAGES } from '../chat/sampling/stages.ts';
import type { Fact } from './facts.ts';

const SOURCES: Readonly<Record<ModelSource, string>> = {
  builtin: 'built in',
  file: 'your file',
  folder: 'your folder',
  download: 'downloaded',
  'huggingface-cache': 'Hugging Face cache',
  ollama: 'Ollama',
  lmstudio: 'LM Studio',
  lent: 'open until you close this page',
};

export function sourceText({ source }: Pick<ModelListing, 'source'>): string {
  return SOURCES[source];
}

/** The stored settings of a model that differ from the defaults. */
export function settingsFacts(settings: ModelSettings | undefined): Fact[] {
  if (settings === undefined) return [];
  const { sampling, stop, template, enableThinking, contextSize } = settings;
  const facts = [...factsOf(SAMPLING_SETTINGS, sampling), ...factsOf(STOP_SETTINGS, stop)];
  if (template !== 'model') facts.push({ name: 'Chat template', value: template === 'plain' ? 'Plain' : 'Custom' });
  if (enableThinking !== null) facts.push({ name: 'Thinking', value: enableThinking ? 'On' : 'Off' });
  if (contextSize !== null) facts.push({ name: 'Context size', value: `${formatInteger(contextSize)} tokens` });
  return facts;
}

function factsOf(table: SettingTable, values: object): Fact[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const row = table[key];
    return row === undefined ? [] : [{ name: row.label, value: valueText(row, value) }];
  });
}

function valueText(row: Setting, value: unknown): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'On' : 'Off';
  if (typeof value === 'number') return numberText(value, row.kind === 'number' ? row.unit : undefined);
  if (Array.isArray(value)) return value.length === 0 ? 'None' : formatInteger(value.length);
  if (typeof value === 'object' && 'kind' in value) return value.kind === 'gbnf' ? 'Grammar' : 'JSON schema';
  return String(value);
}

function numberText(value: number, unit: Unit | undefined): string {
  if (unit === 'ms') return formatDuration(value);
  const number = formatDecimal(value, 4);
  if (unit === 'bits') return withUnit(number, unit);
  // -1 means all.
  return unit === 'tokens' && value >= 0 ? formatCount(value, 'token') : number;
}

/** Default sampling and token limit of a model: the stages that have an effect. */
export function defaultsText(recommended: Partial<SamplingParams> | undefined): string {
  const sampling = { ...defaultSamplingParams(), ...recommended };
  const own = Object.keys(recommended ?? {}).length > 0;
  const stages = USUAL_ORDER.map((name) => STAGES[name]).filter(({ isOn }) => isOn(sampling));
  const values = stages.map(({ main: { key, label } }) => `${inSentence(label)} ${sampling[key]}`);
  const { label, default: limit } = STOP_SETTINGS.maxTokens;
  return `${own ? 'Recommended by the model' : 'App defaults'}: ${[...values, `${inSentence(label)} ${limit}`].join(', ')}.`;
}

/** `top-k`, but `DRY multiplier`. */
function inSentence(label: string): string {
  return label.replace(/^[A-Z](?![A-Z])/, (letter) => letter.toLowerCase());
}

/** A short name for a chip. The details have the full name. */
export function licenceName(name: string): string {
  return name.replace(/ Community License$| License$/, '').replace(/ Terms of Use$/, ' terms');
}

/** How chats become prompts for the model. */
export function templateText(model: ModelDescription, builtIn: boolean): string {
  const { chatTemplate, tokenizer, reasoningMarks } = model;
  if (tokenizer === null) return 'Accepts token IDs only.';
  if (builtIn) return 'Not a chat model: it continues the text you start.';
  if (chatTemplate === null) {
    return 'The file has no chat template. Messages start with User: or Assistant:, as the Prompt panel shows.';
  }
  const thinks =
    reasoningMarks === null
      ? ''
      : ` It may think before it answers, between ${reasoningMarks.open} and ${reasoningMarks.close}.`;
  return `Chats use the template in the file. The Prompt panel shows the resulting text.${thinks}`;
}

/** Weight layout of each type. */
export function layoutsText(weights: readonly WeightsInMemory[]): string {
  return weights.map(({ type, memoryType }) => (type === memoryType ? type : `${type} as ${memoryType}`)).join(', ');
}

/** With a warning if it is a software renderer. */
export function adapterText({ name, isSoftware }: GpuAdapterFacts): string {
  return isSoftware ? `${name}: a software renderer, slower than the CPU` : name;
}

/** What an executor uses. */
export const processorOf = (executor: ExecutorName): string => (executor === 'webgpu' ? 'GPU' : 'CPU');

/** What was chosen automatically, and why. */
export function choiceText({ executor, reason }: ExecutorChoice): string {
  return `Uses the ${processorOf(executor)}. ${reason}`;
}
