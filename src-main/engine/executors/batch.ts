import { EngineError } from '../api/errors.ts';
import { type SequenceSlots, attendedLength } from '../kv-cache/kv-cache.ts';
import type { Program } from '../program/program.ts';
import type { Batch, Outputs } from './executor.ts';

/** Joins the new tokens of several sequences into one batch, in the given order. */
export function batchOf(parts: readonly SequenceSlots[]): Batch {
  const rows = parts.reduce((sum, part) => sum + part.tokens.length, 0);
  const tokens = new Int32Array(rows);
  const positions = new Int32Array(rows);
  const cells = new Int32Array(rows);
  const sequences = new Int32Array(rows);
  let row = 0;
  parts.forEach((part, index) => {
    tokens.set(part.tokens, row);
    positions.set(part.positions, row);
    cells.set(part.cells, row);
    sequences.fill(index, row, row + part.tokens.length);
    row += part.tokens.length;
  });
  return { tokens, positions, cells, sequences, contexts: parts.map((part) => part.context) };
}

/**
 * Rejects a batch that would read or write outside the program's tables or the K and V storage.
 *
 * @throws EngineError BAD_REQUEST for a token id outside the vocabulary and an unknown tap, CONTEXT_FULL for a position
 *   past the last, INTERNAL for parts that contradict each other.
 */
export function checkBatch(program: Program, cells: number, batch: Batch, outputs: Outputs): void {
  const rows = batch.tokens.length;
  if (rows === 0) throw inconsistent('it is empty');
  for (const part of ['positions', 'cells', 'sequences'] as const) {
    if (batch[part].length !== rows) throw inconsistent(`it has ${rows} tokens and ${batch[part].length} ${part}`);
  }
  checkContexts(cells, batch);
  for (let row = 0; row < rows; row++) checkRow(program, batch, row);

  const badRow = outputs.logits.find((row) => !Number.isInteger(row) || row < 0 || row >= rows);
  if (badRow !== undefined) throw inconsistent(`logits were requested for row ${badRow} of ${rows}`);
  const badTap = outputs.taps?.find((name) => !program.taps.has(name));
  if (badTap !== undefined) {
    const known = [...program.taps].join(', ');
    throw new EngineError('BAD_REQUEST', `The model has no tensor named ${badTap}. It has: ${known}.`, { tap: badTap });
  }
}

/** Whether tokens attend to none after them. */
export function isCausal(program: Program): boolean {
  const attentions = program.ops.flatMap((op) => (op.op === 'attention' ? [op.attributes.causal] : []));
  if (new Set(attentions).size > 1)
    throw new EngineError('INTERNAL', 'Only some attention layers have the causal mask.');
  return attentions[0] ?? true;
}

/**
 * Whether tokens attend to none after them. If they do, a batch must fit into one slice, because rows cannot attend to
 * those of a later slice.
 * @throws EngineError BAD_REQUEST with the number of tokens that fit
 */
export function checkCausal(program: Program, rows: number, slice: number): boolean {
  const causal = isCausal(program);
  if (causal || rows <= slice) return causal;
  throw new EngineError(
    'BAD_REQUEST',
    `Without the causal mask, at most ${slice} tokens can be computed; there are ${rows}. Shorten the prompt.`,
    { field: 'interventions', tokens: rows, maxTokens: slice },
  );
}

function checkContexts(cells: number, batch: Batch): void {
  batch.contexts.forEach((context, sequence) => {
    if (context.cells.length !== context.positions.length)
      throw inconsistent(`context ${sequence} has a different number of cells and positions`);
    context.cells.forEach((cell, i) => {
      if (cell < 0 || cell >= cells)
        throw inconsistent(`cell ${cell} of context ${sequence} is outside 0..${cells - 1}`);
      if (i > 0 && context.positions[i] <= context.positions[i - 1]) {
        throw inconsistent(`the positions of context ${sequence} are not in ascending order`);
      }
    });
  });
}

function checkRow(program: Program, batch: Batch, row: number): void {
  const token = batch.tokens[row];
  if (token < 0 || token >= program.vocabularySize) {
    throw new EngineError(
      'BAD_REQUEST',
      `Token id ${token} is outside the vocabulary: ids run from 0 to ${program.vocabularySize - 1}.`,
      { id: token, vocabularySize: program.vocabularySize },
    );
  }
  const position = batch.positions[row];
  if (program.maxPositions !== null && position >= program.maxPositions) {
    throw new EngineError(
      'CONTEXT_FULL',
      `Position ${position} is past the context window of ${program.maxPositions} tokens.`,
      { position, contextSize: program.maxPositions },
    );
  }
  const context = batch.contexts[batch.sequences[row]];
  const index = context ? attendedLength(context.positions, position) - 1 : -1;
  if (context?.positions[index] !== position || context.cells[index] !== batch.cells[row]) {
    throw inconsistent(`row ${row} is not in its sequence's context at position ${position}`);
  }
}

/** Checks the order of a batch longer than one slice: a row may attend to earlier rows of its sequence only. */
export function checkOrder(batch: Batch, slice: number): void {
  if (batch.tokens.length <= slice) return;
  const last = new Map<number, number>();
  batch.positions.forEach((position, row) => {
    const sequence = batch.sequences[row];
    if (position <= (last.get(sequence) ?? -1)) {
      throw inconsistent('positions of a long batch are not in ascending order');
    }
    last.set(sequence, position);
  });
}

function inconsistent(what: string): EngineError {
  return new EngineError('INTERNAL', `The batch is inconsistent: ${what}.`);
}
