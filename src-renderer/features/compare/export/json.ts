import type {
  LaneSettings,
  StoredComparison,
  LaneReply,
} from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { letterOf } from '../state/lane-labels.ts';
import { referenceLane, replyFigures, type ReplyFigures } from './rows.ts';

/** A run with the metrics of each reply, for other programs. */
export interface ExportedComparison extends Omit<StoredComparison, 'lanes'> {
  lanes: { letter: string; settings: LaneSettings; replies: (LaneReply & { metrics: ReplyFigures })[] }[];
}

/** Complete: everything that is stored. */
export function toJson(comparison: StoredComparison): string {
  const reference = comparison.lanes[referenceLane(comparison)]?.replies[0] ?? null;
  const exported: ExportedComparison = {
    ...comparison,
    lanes: comparison.lanes.map(({ settings, replies }, index) => ({
      letter: letterOf(index),
      settings,
      replies: replies.map((reply) => ({ ...reply, metrics: replyFigures(reply, reference) })),
    })),
  };
  return `${JSON.stringify(exported)}\n`;
}
