import type { ComparisonSummary } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { formatCount } from '../../../ui/format.ts';
import { titleFrom } from '../../chat/state/title.ts';

/** A run's title, or the start of its prompt. */
export function runName({ title, promptStart }: Pick<ComparisonSummary, 'title' | 'promptStart'>): string {
  if (title !== '') return title;
  return promptStart.trim() === '' ? 'Empty prompt' : titleFrom(promptStart);
}

/** `4 lanes · TinyTransformer`, `2 lanes · 2 models` */
export function lanesText({ lanes }: Pick<ComparisonSummary, 'lanes'>): string {
  const models = [...new Set(lanes.map(({ modelName }) => modelName))];
  const replies = lanes.reduce((sum, { samples }) => sum + samples, 0);
  const samples = replies > lanes.length ? [formatCount(replies, 'reply', 'replies')] : [];
  const model = models.length === 1 ? (models[0] ?? '') : formatCount(models.length, 'model');
  return [formatCount(lanes.length, 'lane'), ...samples, model].join(' · ');
}
