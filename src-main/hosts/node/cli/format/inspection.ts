import type { Inspection, Intervention, TappedTensor } from '../../../../engine/api/types.ts';
import { shortened } from '../../../../protocol/cut-text.ts';
import { stopSentence } from '../../../../protocol/engine/stop-sentence.ts';
import type { Pieces } from '../pieces.ts';
import { formatIntervention } from '../options/intervention-option.ts';
import { formatAttention } from './attention.ts';
import { formatExplanation } from './explanation.ts';
import { formatCount, formatInteger, formatPercent, formatVector } from './numbers.ts';
import { elide, formatTable, indent, onOneLine } from './table.ts';
import { formatTokenTable } from './tokens.ts';

/** Rows of the tables with one row per token. */
const FIRST_ROWS = 3;
const LAST_ROWS = 6;
const BAR_WIDTH = 30;

/** The ten steps from a text to its continuation, for people. */
export function formatInspection(
  inspection: Inspection,
  pieces: Pieces,
  interventions: readonly Intervention[] = [],
): string {
  const isCausal = interventions.every(({ kind }) => kind !== 'causal_mask');
  const attended = isCausal ? 'itself and the tokens before it' : 'all tokens';
  const steps: [title: string, body: string][] = [
    ['Tokenization: text → token ids', tokenization(inspection)],
    ['Embedding: each id picks its row of the embedding matrix', vectors(inspection, inspection.tokenEmbedding)],
    ['Position: a vector for each position is added', positions(inspection)],
    [`Attention: each token attends to ${attended}`, attention(inspection, isCausal)],
    ['Feed-forward network: each vector on its own', feedForward(inspection)],
    ['Layers: attention and feed-forward again, each layer on the output of the one before', layers(inspection)],
    ['Language model head: the last vector gives a logit for every token', head(inspection)],
    ['Sampling: one token is chosen', sampling(inspection, pieces)],
    ['Autoregressive loop: the token is appended and everything repeats', loop(inspection)],
    ['Detokenization: ids → text', detokenization(inspection, pieces)],
  ];
  const body = steps.map(([title, text], i) => `Step ${i + 1}. ${title}\n\n${indent(text)}`);
  const off = interventions.length === 0 ? [] : [`Off: ${interventions.map(formatIntervention).join(', ')}`];
  return [heading(inspection), ...off, ...body, ...formatExplanation(inspection)].join('\n\n');
}

function heading({ model }: Inspection): string {
  return [
    `${model.name}: ${formatInteger(model.parameters)} parameters, ${formatCount(model.layers, 'layer')}, `,
    `${formatCount(model.heads, 'head')} of ${model.headDim}, vocabulary of ${formatInteger(model.vocabularySize)}, `,
    `context window of ${formatInteger(model.contextSize)} tokens`,
  ].join('');
}

function tokenization({ prompt }: Inspection): string {
  const shown = elide(prompt.tokens.length, FIRST_ROWS, LAST_ROWS);
  const [first, last] = splitAtGap(shown);
  const text = prompt.text === null ? '' : `${JSON.stringify(shortened(prompt.text, 200))}\n\n`;
  const rows = formatTokenTable(prompt.text, prompt.tokens).split('\n');
  const lines = [rows[0]!, ...first.map((i) => rows[i + 1]!)];
  if (last.length > 0) lines.push(gapLine(prompt.tokens.length), ...last.map((i) => rows[i + 1]!));
  return text + lines.join('\n');
}

function positions(inspection: Inspection): string {
  const sum = `Sum, the input of the first layer:\n\n${vectors(inspection, inspection.embedding)}`;
  if (inspection.positionEmbedding === null) return `This model encodes positions inside attention.\n\n${sum}`;
  return `Position vectors:\n\n${vectors(inspection, inspection.positionEmbedding)}\n\n${sum}`;
}

function attention({ layers, prompt: { tokens } }: Inspection, isCausal: boolean): string {
  return layers
    .map(({ index, attention: weights }) => {
      return `Layer ${index}\n\n${indent(formatAttention(weights, tokens, isCausal))}`;
    })
    .join('\n\n');
}

function feedForward({ layers, prompt }: Inspection): string {
  const last = prompt.tokens.length - 1;
  return layers
    .map(({ index, attentionOutput, feedForwardHidden }) => {
      const hidden = row(feedForwardHidden, last);
      const active = hidden.filter((value) => value > 0).length;
      const strongest = [...hidden.entries()].sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, 5);
      return [
        `Layer ${index}, last token`,
        `  in      ${formatVector(row(attentionOutput, last))} (${attentionOutput.shape[1]})`,
        `  hidden  ${formatVector(hidden)} (${hidden.length}, ${active} of them above 0)`,
        `  strongest units: ${strongest.map(([unit, value]) => `#${unit} ${value.toFixed(2)}`).join(', ')}`,
      ].join('\n');
    })
    .join('\n\n');
}

function layers(inspection: Inspection): string {
  return inspection.layers
    .map(({ index, output }) => `Output of layer ${index}\n\n${vectors(inspection, output)}`)
    .join('\n\n');
}

function head({ logits, probabilities, prompt }: Inspection): string {
  const lastPiece = prompt.tokens.at(-1)?.piece ?? '';
  const table = formatTable(
    [
      { title: 'id', align: 'right' },
      { title: 'piece' },
      { title: 'logit', align: 'right' },
      { title: 'probability', align: 'right' },
      { title: '' },
    ],
    probabilities.map(({ id, piece, logprob }) => [
      String(id),
      piece,
      logits.values[id]!.toFixed(3),
      formatPercent(Math.exp(logprob)),
      '█'.repeat(Math.round(Math.exp(logprob) * BAR_WIDTH)),
    ]),
  );
  const values = `logits  ${formatVector(logits.values)} (${formatInteger(logits.values.length)})`;
  return `After ${JSON.stringify(lastPiece)}\n\n${values}\n\nMost probable, after softmax over all tokens:\n\n${table}`;
}

function sampling({ model, sampling: { stages, chosen, seed } }: Inspection, pieces: Pieces): string {
  const name = (id: number) => pieces.get(id) ?? `#${id}`;
  const table = formatTable(
    [
      { title: 'stage' },
      { title: 'removed', align: 'right' },
      { title: 'left', align: 'right' },
      { title: 'most probable here' },
    ],
    stages.map(({ stage, removed, survivors, top }) => [
      stage,
      formatInteger(removed),
      formatInteger(survivors),
      top
        .slice(0, 4)
        .map(([id, probability]) => `${name(id)} ${formatPercent(probability)}`)
        .join(', '),
    ]),
  );
  const masked =
    model.maskedTokenIds.length === 0 ? '' : `Never sampled: ${model.maskedTokenIds.map(name).join(', ')}\n\n`;
  const probability =
    chosen.sampledProbability === null ? '' : `, sampled with ${formatPercent(chosen.sampledProbability)}`;
  return `${masked}${table}\n\nChosen: ${onOneLine(chosen.piece)} (id ${chosen.id})${probability}, seed ${seed}`;
}

function loop({ loop: steps }: Inspection): string {
  if (steps.length === 0) return 'The reply is empty.';
  return formatTable(
    [
      { title: 'step', align: 'right' },
      { title: 'context', align: 'right' },
      { title: 'id', align: 'right' },
      { title: 'piece' },
      { title: 'probability', align: 'right' },
      { title: 'text' },
    ],
    steps.map(({ step, contextTokens, id, piece, logprob, text }) => [
      String(step + 1),
      formatInteger(contextTokens),
      String(id),
      piece,
      formatPercent(Math.exp(logprob)),
      JSON.stringify(text),
    ]),
  );
}

function detokenization({ reply }: Inspection, pieces: Pieces): string {
  const names = reply.ids.map((id) => pieces.get(id) ?? `#${id}`);
  return [
    `ids     ${reply.ids.join(' ')}`,
    `pieces  ${names.join(' ')}`,
    `text    ${JSON.stringify(reply.text)}`,
    `stop    ${stopSentence(reply.stop)} (${reply.stop.reason})`,
  ].join('\n');
}

/** One line per token of a `[tokens, n]` tensor, labelled with the token. */
function vectors({ prompt }: Inspection, tensor: TappedTensor): string {
  const [first, last] = splitAtGap(elide(prompt.tokens.length, FIRST_ROWS, LAST_ROWS));
  const line = (i: number) => [String(i), prompt.tokens[i]!.piece, formatVector(row(tensor, i))];
  const gap = last.length === 0 ? [] : [['', gapLine(prompt.tokens.length), '']];
  const rows = [...first.map(line), ...gap, ...last.map(line)];
  const table = formatTable([{ title: '', align: 'right' }, { title: '' }, { title: '' }], rows);
  return `${table}\n${formatCount(tensor.shape[0]!, 'vector')} of ${formatInteger(tensor.shape[1]!)} numbers`;
}

function row(tensor: TappedTensor, index: number): number[] {
  const width = tensor.shape[1]!;
  return tensor.values.slice(index * width, (index + 1) * width);
}

function splitAtGap(shown: readonly (number | null)[]): [number[], number[]] {
  const gap = shown.indexOf(null);
  const isIndex = (i: number | null): i is number => i !== null;
  if (gap === -1) return [shown.filter(isIndex), []];
  return [shown.slice(0, gap).filter(isIndex), shown.slice(gap).filter(isIndex)];
}

function gapLine(tokens: number): string {
  return `… ${formatInteger(tokens - FIRST_ROWS - LAST_ROWS)} more …`;
}
