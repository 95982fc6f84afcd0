/** Answers questions about the inside of runs, and remembers runs and answers. */
import type { CacheAnswer, InsideAnswer, InsideParams, InsideQuery, Intervention } from '../api/inside-types.ts';
import { shownPiece } from '../generation/shown-piece.ts';
import { RawDistribution } from '../sampling/raw-distribution.ts';
import { attribute } from './attribution.ts';
import {
  attentionMaps,
  attentionOfHead,
  bytesOfHeads,
  hasHead,
  headsOfLayer,
  type LayerHeads,
} from './attention-view.ts';
import { checkQuery } from './check-query.ts';
import { embeddingOf, positionsOf } from './embedding-view.ts';
import { feedForwardOf } from './feed-forward-view.ts';
import { hasFinalNorm, logitLens } from './lens.ts';
import { layerOf, normsOf } from './layer-view.ts';
import { ResidualStream } from './residual-stream.ts';
import { tokensOf } from './tokens-view.ts';
import { type InsideRun, tapRow } from './tapped-row.ts';

/** Runs that are remembered: one with interventions next to the unmodified one. */
const MAX_RUNS = 2;
/** Bytes of the answers that are remembered per run. */
const MAX_ANSWER_BYTES = 64 * 2 ** 20;

interface KnownRun {
  stream: ResidualStream | null;
  /** Of the layer that was asked about last. */
  heads: LayerHeads | null;
  /** By query as JSON, least recently used first. */
  readonly answers: Map<string, InsideAnswer>;
}

export class Inside {
  /** By ids and interventions as JSON, least recently used first. */
  private readonly runs = new Map<string, KnownRun>();

  /** Bytes that are remembered. */
  get bytes(): number {
    let bytes = 0;
    for (const { stream, heads, answers } of this.runs.values()) {
      bytes += (stream?.bytes ?? 0) + (heads === null ? 0 : bytesOfHeads(heads));
      for (const answer of answers.values()) bytes += bytesOf(answer);
    }
    return bytes;
  }

  /** Drops everything that is remembered. @returns its bytes */
  release(): number {
    const { bytes } = this;
    this.runs.clear();
    return bytes;
  }

  /**
   * @param run of these params
   * @throws EngineError BAD_REQUEST, CONTEXT_FULL, OUT_OF_MEMORY, CANCELLED
   */
  async ask(run: InsideRun, params: InsideParams): Promise<InsideAnswer> {
    checkQuery(params, run.model);
    // What the cache holds changes with every reply.
    if (params.query.kind === 'cache') return cacheOf(run);
    const known = this.knownRun(params.ids, params.interventions);
    const key = JSON.stringify(params.query);
    const answer = known.answers.get(key) ?? (await this.answer(run, known, params.query));
    known.answers.delete(key);
    known.answers.set(key, answer);
    forgetAnswers(known.answers);
    return answer;
  }

  private knownRun(ids: readonly number[], interventions: readonly Intervention[]): KnownRun {
    const key = JSON.stringify([ids, interventions]);
    const known = this.runs.get(key) ?? { stream: null, heads: null, answers: new Map<string, InsideAnswer>() };
    this.runs.delete(key);
    this.runs.set(key, known);
    for (const oldest of this.runs.keys()) {
      if (this.runs.size <= MAX_RUNS) break;
      this.runs.delete(oldest);
    }
    return known;
  }

  private async answer(run: InsideRun, known: KnownRun, query: InsideQuery): Promise<InsideAnswer> {
    const streamOf = () => (known.stream ??= new ResidualStream(run));
    switch (query.kind) {
      case 'tokens':
        return tokensOf(run);
      case 'embedding':
        return embeddingOf(run, query);
      case 'positions':
        return positionsOf(run, query);
      case 'attention':
        if (!hasHead(known.heads, query)) known.heads = await headsOfLayer(run, streamOf(), query);
        return attentionOfHead(known.heads, query.head, query.keys);
      case 'attention_maps':
        return attentionMaps(run, streamOf(), query);
      case 'feed_forward':
        return feedForwardOf(run, query);
      case 'layer':
        return layerOf(run, query);
      case 'norms':
        return normsOf(run, query);
      case 'logits': {
        const { logits } = await tapRow(run, query.token, []);
        const top = new RawDistribution(logits).top(query.top);
        const describe = ([id, logprob]: [number, number]) => {
          return { id, piece: shownPiece(run.model.tokenizer, id), logit: logits[id], logprob };
        };
        return { kind: 'logits', logits, top: top.map(describe) };
      }
      case 'lens':
        return { kind: 'lens', norm: hasFinalNorm(run), layers: await logitLens(run, query.token, query.top) };
      case 'attribution':
        return { kind: 'attribution', ...(await attribute(run, query.token, query.target, query.rival ?? null)) };
      case 'cache':
        return cacheOf(run);
    }
  }
}

function cacheOf({ model, executor, context, ids, program }: InsideRun): CacheAnswer {
  const { kvWidths } = model.program;
  const perCell = executor.memoryBytes.kvCache / model.config.contextSize;
  const total = kvWidths.reduce((sum, width) => sum + width, 0);
  const isOwn = program === model.program;
  return {
    ...{ kind: 'cache', ...context.contents(isOwn ? ids : []) },
    bytesPerToken: kvWidths.map((width) => (perCell * width) / total),
  };
}

function forgetAnswers(answers: Map<string, InsideAnswer>): void {
  let bytes = 0;
  for (const answer of answers.values()) bytes += bytesOf(answer);
  for (const [key, answer] of answers) {
    // The newest stays, however large.
    if (bytes <= MAX_ANSWER_BYTES || answers.size === 1) return;
    bytes -= bytesOf(answer);
    answers.delete(key);
  }
}

/** Bytes of the arrays of an answer. */
function bytesOf(answer: InsideAnswer): number {
  return Object.values(answer).reduce<number>(
    (sum, value) => sum + (ArrayBuffer.isView(value) ? value.byteLength : 0),
    0,
  );
}
