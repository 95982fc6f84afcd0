/** Names of lanes that have none of their own: what tells them apart. */
import { MAX_LABEL, type LaneSettings } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { cutText } from '../../../../src-main/protocol/cut-text.ts';
import { formatCount } from '../../../ui/format.ts';
import { lowerFirst, samplingParts } from './lane-settings.ts';

const LETTERS = 'ABCDEFGH';

/** `A` for the first lane. */
export function letterOf(index: number): string {
  return LETTERS.charAt(index);
}

/** `A`, `A and B`, `A to C`, `A, C and D`. @param indices ascending */
export function letterRange(indices: readonly number[]): string {
  const letters = indices.map(letterOf);
  const last = letters.at(-1) ?? '';
  if (letters.length <= 1) return last;
  const isRange = indices.length > 2 && indices.every((index, at) => index === indices[0] + at);
  return isRange ? `${letters[0]} to ${last}` : `${letters.slice(0, -1).join(', ')} and ${last}`;
}

/** At most so many differences are named. */
const NAMED = 2;
/** Longest quotation of a system prompt, UTF-16 units: not every language has spaces. */
const MAX_QUOTED = 40;

/** What the lanes are called. A lane's own label wins. */
export function laneLabels(lanes: readonly LaneSettings[]): string[] {
  const distinct = lanes.map((lane) => aspects(lane));
  const differs = (at: number) => new Set(distinct.map((parts) => parts[at])).size > 1;
  const sampling = lanes.map(({ sampling }) => samplingParts(sampling));
  const shared = (sampling[0] ?? []).filter((part) => sampling.every((parts) => parts.includes(part)));
  const samplingDiffers = new Set(sampling.map((parts) => parts.join())).size > 1;
  return lanes.map((lane, at) => {
    if (lane.label !== '') return lane.label;
    const own = sampling[at].filter((part) => !shared.includes(part));
    const ownChain = own.length > 0 ? own : shared.length > 0 ? shared : ['Plain sampling'];
    const chain = samplingDiffers ? ownChain : [];
    const others = distinct[at].filter((_, aspect) => differs(aspect));
    // The model comes first, then the chain.
    const first = differs(0) ? 1 : 0;
    const parts = [...others.slice(0, first), ...chain, ...others.slice(first)].slice(0, NAMED);
    const named = parts.length > 0 ? parts : sampling[at].slice(0, NAMED);
    const label = named.map((part, place) => (place === 0 ? part : lowerFirst(part))).join(', ');
    return cutText(label, MAX_LABEL) || 'Plain sampling';
  });
}

/** What may tell lanes apart beside their chain, the model first. */
function aspects({ modelName, executor, sampling, stop, systemPrompt, template, enableThinking }: LaneSettings) {
  const { seed, grammar } = sampling;
  return [
    modelName,
    executor === null ? 'Default executor' : `${executor} executor`,
    seed === null ? 'Random seed' : `Seed ${seed}`,
    systemPrompt.trim() === '' ? 'No system prompt' : `“${firstWords(systemPrompt)}”`,
    grammar === null ? 'Free text' : grammar.kind === 'gbnf' ? 'GBNF grammar' : 'JSON schema',
    { model: 'Model’s template', plain: 'Plain template', custom: 'Custom template' }[template.kind],
    enableThinking === null ? 'Default thinking' : enableThinking ? 'Thinking' : 'No thinking',
    formatCount(stop.maxTokens, 'token'),
  ];
}

function firstWords(text: string): string {
  const whole = text.trim().replaceAll(/\s+/gu, ' ');
  const words = cutText(whole.split(' ', 4).join(' '), MAX_QUOTED);
  return words.length < whole.length ? `${words} …` : words;
}
