import { describe, expect, it } from 'vitest';
import { openModel } from '../../models/open-model.ts';
import type { Program } from '../../program/program.ts';
import type { WeightView } from '../../program/weights.ts';
import { TAPS } from '../../program/taps.ts';
import { filesOf } from '../../test-support/inside-models.ts';
import { fuse } from '../fusion.ts';
import { group, joinedTensors, type GroupedOps } from './grouping.ts';

const ALWAYS = () => true;

async function programOf(name: string): Promise<Program> {
  return (await openModel(await filesOf(name), { contextSize: 16 })).program;
}

function grouped(
  program: Program,
  taps: readonly string[] = [],
  areJoined = ALWAYS as (_: readonly WeightView[]) => boolean,
) {
  const kept = new Set(
    program.tensors.flatMap((tensor, id) => (tensor.taps.some((tap) => taps.includes(tap)) ? [id] : [])),
  );
  return group(program, fuse(program, kept), kept, areJoined);
}

/** Dispatches of a layer: from one attention to the next, and what they are. */
function layerOf({ ops }: GroupedOps): string[] {
  const names = ops.map((op) => {
    if (op.kind === 'heads') return 'heads';
    if (op.kind === 'single') return op.inputs.length > 1 && op.op.op === 'rmsNorm' ? 'norm + add' : op.op.op;
    const name = op.parts.length === 3 ? 'qkv' : op.gated ? 'gate, up' : op.parts[0].op;
    return op.norm ? `norm, ${name}` : name;
  });
  const first = names.indexOf('attention');
  return names.slice(first, names.indexOf('attention', first + 1));
}

describe('group', () => {
  it.each([
    ['llama', ['attention', 'linear', 'norm, gate, up', 'linear', 'norm, qkv', 'heads']],
    ['qwen3', ['attention', 'linear', 'norm, gate, up', 'linear', 'norm, qkv', 'heads']],
    ['phi3', ['attention', 'linear', 'norm, gate, up', 'linear', 'norm, qkv', 'heads']],
    ['gpt2', ['attention', 'linear', 'norm, linear', 'linear', 'norm, qkv', 'heads']],
    ['olmo2', ['attention', 'linear', 'norm + add', 'gate, up', 'linear', 'norm + add', 'qkv', 'heads']],
    ['gemma3', ['attention', 'linear', 'norm + add', 'norm, gate, up', 'linear', 'norm + add', 'norm, qkv', 'heads']],
  ])('gives a layer of %s few dispatches', async (name, expected) => {
    expect(layerOf(grouped(await programOf(name)))).toEqual(expected);
  });

  it('takes the last norm into the logits', async () => {
    const { ops } = grouped(await programOf('llama'));
    expect(ops.at(-1)).toMatchObject({ kind: 'projection', norm: { op: 'rmsNorm' }, parts: [{ op: 'logits' }] });
    expect(ops[0]).toMatchObject({ kind: 'single', op: { op: 'embed' } });
  });

  it('keeps tapped tensors', async () => {
    const program = await programOf('llama');
    const keys = grouped(program, [TAPS.attentionKeys(1)]);
    expect(layerOf(keys)).toEqual([
      ...['attention', 'linear', 'norm, gate, up', 'linear', 'rmsNorm', 'linear', 'linear', 'linear'],
      ...['rope', 'rope', 'cacheWrite'],
    ]);
    expect(layerOf(grouped(program, [TAPS.attentionQueries(1)]))).toContain('heads');
  });

  it('joins no weights that are apart', async () => {
    const apart = grouped(await programOf('llama'), [], () => false);
    expect(layerOf(apart)).toEqual([
      ...['attention', 'linear', 'rmsNorm', 'linear', 'linear', 'linear', 'rmsNorm', 'linear', 'linear', 'linear'],
      ...['rope', 'rope', 'cacheWrite'],
    ]);
    expect(joinedTensors(apart)).toEqual([]);
  });

  it('lists the weights that should be in one buffer', async () => {
    const ofLayer = (names: readonly string[], layer: number) => names.map((name) => `blk.${layer}.${name}.weight`);
    const lists = joinedTensors(grouped(await programOf('llama')));
    expect(lists.slice(0, 2)).toEqual([ofLayer(['attn_q', 'attn_k', 'attn_v'], 0), ofLayer(['ffn_gate', 'ffn_up'], 0)]);
    // One tensor has them all.
    expect(joinedTensors(grouped(await programOf('phi3')))).toEqual([]);
  });

  it('lets a product merge an attention that it reads as it is', async () => {
    const program = await programOf('llama');
    const attentions = ({ ops }: GroupedOps) =>
      ops.flatMap((op) => (op.kind === 'single' && op.op.op === 'attention' ? [op.output] : []));
    const plain = grouped(program);
    expect([...plain.mergeable]).toEqual(attentions(plain));
    const [, ...others] = attentions(plain);
    expect([...grouped(program, [TAPS.attentionHeads(0)]).mergeable]).toEqual(others);
  });
});
