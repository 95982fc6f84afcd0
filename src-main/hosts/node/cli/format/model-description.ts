import type { ModelDescription } from '../../../../engine/index.ts';
import type { Fit } from '../../../../protocol/engine/model-fit.ts';
import { formatBytes, formatCount, formatInteger } from './numbers.ts';
import { formatTable, indent } from './table.ts';

/** Formats a model's facts, types and memory, or why it cannot be loaded. */
export function formatModelDescription(model: ModelDescription): string {
  const facts: [string, string][] = [
    ['architecture', model.architecture],
    ['parameters', formatInteger(model.parameters)],
    ['file', `${model.format}, ${formatBytes(model.fileBytes)}`],
    ['layers', formatInteger(model.layers)],
    ['width', `${formatInteger(model.hiddenSize)}, feed-forward ${formatInteger(model.feedForwardSize)}`],
    ['heads', `${formatCount(model.heads, 'head')} of ${model.headDim}, ${formatInteger(model.kvHeads)} KV`],
    ['context', formatCount(model.contextSize, 'token')],
    ['vocabulary', formatCount(model.vocabularySize, 'token')],
    ['tokenizer', model.tokenizer ?? 'none (token ids only)'],
    ['start token', model.bosTokenId === null ? 'none' : String(model.bosTokenId)],
    ['end tokens', model.eosTokenIds.length === 0 ? 'none' : model.eosTokenIds.join(', ')],
    ['template', model.chatTemplate === null ? 'none' : formatCount(model.chatTemplate.length, 'character')],
  ];
  const types = model.tensorTypes.map(({ type, tensors, bytes }) => [
    type,
    formatCount(tensors, 'tensor'),
    formatBytes(bytes),
  ]);
  const right = 'right' as const;
  const memoryTable = (memory: ModelDescription['memory']) =>
    indent(
      formatTable(
        ['', 'weights', 'KV cache', 'working space', 'total'].map((title) => ({ title, align: right })),
        memory.map(({ contextSize, weights, kvCache, scratch, total }) => [
          formatCount(contextSize, 'token'),
          ...[weights, kvCache, scratch, total].map(formatBytes),
        ]),
      ),
    );
  return [
    model.name,
    indent(formatTable([{ title: '' }, { title: '' }], facts)),
    'stored as',
    indent(formatTable([{ title: '' }, { title: '', align: right }, { title: '', align: right }], types)),
    // The memory of a model that cannot be loaded is not known.
    ...(model.problem === null
      ? ['memory when loaded, by context size', memoryTable(model.memory)]
      : [`It cannot be loaded: ${model.problem.message}`]),
    ...(model.gpuMemory ? ['memory on a GPU', memoryTable(model.gpuMemory)] : []),
    ...model.notices,
  ].join('\n');
}

/** Formats whether a model fits, with the numbers. */
export function formatFit({ verdict, needed, available, short }: Fit, contextSize: number): string {
  const numbers = `${formatBytes(needed)} for a context of ${formatCount(contextSize, 'token')}; ${formatBytes(available)} are free on this computer now`;
  if (verdict !== 'too-large') return `It fits: it needs ${numbers}.`;
  return `It does not fit: it needs ${numbers}. That is ${formatBytes(short)} short.`;
}
