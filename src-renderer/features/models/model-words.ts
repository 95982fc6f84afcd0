/** What the page says about a model of the list: where it is from, and what was set for it. */
import { defaultSamplingParams, defaultStopParams } from '../../../src-main/engine/defaults.ts';
import type { ModelDescription } from '../../../src-main/engine/model-description.ts';
import type { KeptWeights, SamplingParams, StopParams } from '../../../src-main/engine/types.ts';
import type { ModelListing, ModelSettings, ModelSource } from '../../../src-main/protocol/app-services.ts';
import { formatInteger } from '../../ui/format.ts';
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

const SAMPLING: Readonly<Partial<Record<keyof SamplingParams, string>>> = {
  samplers: 'Order of the chain',
  temperature: 'Temperature',
  topK: 'Top-k',
  topP: 'Top-p',
  minP: 'Min-p',
  typicalP: 'Typical',
  topNSigma: 'Top-nσ',
  xtcProbability: 'XTC chance',
  xtcThreshold: 'XTC threshold',
  repeatPenalty: 'Repeat penalty',
  frequencyPenalty: 'Frequency penalty',
  presencePenalty: 'Presence penalty',
  penaltyLastN: 'Penalty window',
  dryMultiplier: 'DRY strength',
  mirostat: 'Mirostat',
  logitBias: 'Logit bias',
  textBias: 'Text bias',
  bannedTexts: 'Banned texts',
  grammar: 'Answer format',
  seed: 'Seed',
};
const STOP: Readonly<Record<keyof StopParams, string>> = {
  maxTokens: 'Longest reply',
  stopStrings: 'Stop texts',
  repetitionWindow: 'Repetition window',
  timeLimitMs: 'Time limit',
  ignoreEos: 'Ignore end of text',
};

/** What a person last set for a model, where it is not what would hold anyway. */
export function settingsFacts(settings: ModelSettings | undefined): Fact[] {
  if (settings === undefined) return [];
  const { sampling, stop, template, enableThinking, contextSize } = settings;
  const facts: Fact[] = [];
  for (const [key, value] of Object.entries(sampling)) {
    facts.push({ name: SAMPLING[key as keyof SamplingParams] ?? key, value: valueText(value) });
  }
  for (const [key, value] of Object.entries(stop)) {
    facts.push({ name: STOP[key as keyof StopParams], value: valueText(value) });
  }
  if (template !== 'model') facts.push({ name: 'Chat template', value: template === 'plain' ? 'Plain' : 'Your own' });
  if (enableThinking !== null) facts.push({ name: 'Thinking', value: enableThinking ? 'On' : 'Off' });
  if (contextSize !== null) facts.push({ name: 'Context', value: `${formatInteger(contextSize)} tokens` });
  return facts;
}

function valueText(value: unknown): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'On' : 'Off';
  if (typeof value === 'number') return value.toLocaleString('en-US', { maximumFractionDigits: 4 });
  if (Array.isArray(value)) return value.length === 0 ? 'None' : formatInteger(value.length);
  if (typeof value === 'object' && 'kind' in value) return value.kind === 'gbnf' ? 'Grammar' : 'JSON schema';
  return String(value);
}

/** Sampling and reply length of a model for which nothing was set. */
export function defaultsText(recommended: Partial<SamplingParams> | undefined): string {
  const { temperature, topK, topP, minP } = { ...defaultSamplingParams(), ...recommended };
  const own = Object.keys(recommended ?? {}).length > 0;
  const values = `temperature ${temperature}, top-k ${topK}, top-p ${topP}, min-p ${minP}`;
  const { maxTokens } = defaultStopParams();
  return `${own ? 'As its file recommends' : 'The app’s defaults'}: ${values}, replies of up to ${maxTokens} tokens.`;
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
