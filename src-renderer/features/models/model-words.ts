/** What the page says about a model of the list: where it is from, and what was set for it. */
import { defaultSamplingParams } from '../../../src-main/engine/defaults.ts';
import type { ModelDescription } from '../../../src-main/engine/model-description.ts';
import { STOP_SETTINGS } from '../../../src-main/engine/settings/generation.ts';
import { SAMPLING_SETTINGS } from '../../../src-main/engine/settings/sampling.ts';
import type { Setting, SettingTable, Unit } from '../../../src-main/engine/settings/setting.ts';
import type { KeptWeights, SamplingParams } from '../../../src-main/engine/types.ts';
import type { ModelListing, ModelSettings, ModelSource } from '../../../src-main/protocol/app-services.ts';
import { formatCount, formatDuration, formatInteger } from '../../ui/format.ts';
import { USUAL_ORDER } from '../chat/sampling/chain.ts';
import { STAGES } from '../chat/sampling/stages.ts';
import type { Fact } from './facts.ts';

const SOURCES: Readonly<Record<ModelSource, string>> = {
  builtin: 'built in',
  file: 'your file',
  folder: 'your folder',
  download: 'downloaded',
  'huggingface-cache': 'from the Hugging Face cache',
  ollama: 'from Ollama',
  lmstudio: 'from LM Studio',
  lent: 'lent until this page is closed',
};

export function sourceText({ source }: Pick<ModelListing, 'source'>): string {
  return SOURCES[source];
}

/** What a person last set for a model, where it is not what would hold anyway. */
export function settingsFacts(settings: ModelSettings | undefined): Fact[] {
  if (settings === undefined) return [];
  const { sampling, stop, template, enableThinking, contextSize } = settings;
  const facts = [...factsOf(SAMPLING_SETTINGS, sampling), ...factsOf(STOP_SETTINGS, stop)];
  if (template !== 'model') facts.push({ name: 'Chat template', value: template === 'plain' ? 'Plain' : 'Your own' });
  if (enableThinking !== null) facts.push({ name: 'Thinking', value: enableThinking ? 'On' : 'Off' });
  if (contextSize !== null) facts.push({ name: 'Context', value: `${formatInteger(contextSize)} tokens` });
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
  const number = value.toLocaleString('en-US', { maximumFractionDigits: 4 });
  if (unit === 'bits') return `${number} bits`;
  // -1 stands for all there are.
  return unit === 'tokens' && value >= 0 ? formatCount(value, 'token') : number;
}

/** Sampling and reply length of a model for which nothing was set: the stages that do something. */
export function defaultsText(recommended: Partial<SamplingParams> | undefined): string {
  const sampling = { ...defaultSamplingParams(), ...recommended };
  const own = Object.keys(recommended ?? {}).length > 0;
  const stages = USUAL_ORDER.map((name) => STAGES[name]).filter(({ isOn }) => isOn(sampling));
  const values = stages.map(({ main: { key, label } }) => `${inSentence(label)} ${sampling[key]}`);
  const reply = `replies of up to ${STOP_SETTINGS.maxTokens.default} tokens`;
  return `${own ? 'As its file recommends' : 'The app’s defaults'}: ${[...values, reply].join(', ')}.`;
}

/** `top-k`, but `DRY multiplier`. */
function inSentence(label: string): string {
  return label.replace(/^[A-Z](?![A-Z])/, (letter) => letter.toLowerCase());
}

/** Short enough for a chip: the whole name stands in the details. */
export function licenceName(name: string): string {
  return name.replace(/ Community License$| License$/, '').replace(/ Terms of Use$/, ' terms');
}

/** How chats are put to the model. */
export function templateText(model: ModelDescription, builtIn: boolean): string {
  const { chatTemplate, tokenizer, reasoningMarks } = model;
  if (tokenizer === null) return 'It reads token ids only.';
  if (builtIn) return 'It knows no roles: what you write is the beginning of a text, and the reply continues it.';
  if (chatTemplate === null) {
    return 'Its file has no chat template: the lines of a chat begin with User: and Assistant:. The Prompt panel shows them.';
  }
  const thinks =
    reasoningMarks === null
      ? ''
      : ` It may think before it answers, between ${reasoningMarks.open} and ${reasoningMarks.close}.`;
  return `Chats are written with the template in its file. The Prompt panel shows the text that it makes.${thinks}`;
}

/** How the matrices of each type lie in memory. */
export function keptAsText(weights: readonly KeptWeights[]): string {
  return weights.map(({ type, keptAs }) => (type === keptAs ? type : `${type} as ${keptAs}`)).join(', ');
}
