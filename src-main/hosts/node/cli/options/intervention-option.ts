import { InvalidArgumentError } from 'commander';
import type { Intervention } from '../../../../engine/api/types.ts';

export const OFF_HELP =
  'part to turn off, repeatable: head:LAYER.HEAD, attention:LAYER, ffn:LAYER (from 0), positions or causal-mask';

/** Parses a value of `--off`. */
export function parseIntervention(text: string): Intervention {
  if (text === 'positions') return { kind: 'positions' };
  if (text === 'causal-mask') return { kind: 'causal_mask' };
  const [, kind, layer, head] = /^(head|attention|ffn):(\d{1,5})(?:\.(\d{1,5}))?$/.exec(text) ?? [];
  if (kind === 'head' && head !== undefined) return { kind, layer: Number(layer), head: Number(head) };
  if (kind === 'attention' && head === undefined) return { kind, layer: Number(layer) };
  if (kind === 'ffn' && head === undefined) return { kind: 'feed_forward', layer: Number(layer) };
  throw new InvalidArgumentError(
    'Expected head:LAYER.HEAD, attention:LAYER, ffn:LAYER, positions or causal-mask, for example head:0.3.',
  );
}

/** The value of `--off` that gives this intervention. */
export function formatIntervention(intervention: Intervention): string {
  switch (intervention.kind) {
    case 'head':
      return `head:${intervention.layer}.${intervention.head}`;
    case 'attention':
      return `attention:${intervention.layer}`;
    case 'feed_forward':
      return `ffn:${intervention.layer}`;
    case 'positions':
      return 'positions';
    case 'causal_mask':
      return 'causal-mask';
    case 'token':
      return `token:${intervention.index}=${intervention.id}`;
  }
}
