/** A stored run of Compare: one prompt, answered by several lanes with different settings. Plain data. */
import type {
  ChatTemplateChoice,
  ExecutorName,
  SamplingParams,
  StopParams,
  WhenFull,
} from '../../../engine/api/types.ts';
import type { ReplyFacts, TokenColumns } from '../chats/chat.ts';

/** What all lanes answer. */
export type ComparedPrompt =
  | { kind: 'text'; text: string }
  /**
   * Oldest first. The system prompt is a setting of the lanes. `whenFull`: what happens when the context window is full;
   * absent: the reply stops.
   */
  | { kind: 'chat'; messages: ComparedMessage[]; whenFull?: WhenFull };

export interface ComparedMessage {
  role: 'user' | 'assistant';
  text: string;
}

export interface LaneSettings {
  /** For people: `Greedy`, `Top-k 40`. */
  label: string;
  modelId: string;
  modelName: string;
  /** Complete: the model's defaults are resolved. The seed is the requested one; null for a new one each time. */
  sampling: SamplingParams;
  stop: StopParams;
  /** Empty for none. */
  systemPrompt: string;
  template: ChatTemplateChoice;
  /** Null: up to the template. */
  enableThinking: boolean | null;
  /** Null for the model's default. */
  executor: ExecutorName | null;
  /** Number of replies, 1 to `MAX_SAMPLES`. If a seed is set, they have the seeds seed, seed + 1, ... */
  samples: number;
}

/**
 * One sample of a lane, or a branch of a reply of it. `facts.stop` is null if it was interrupted, as in a chat. A branch has
 * `facts.branch`, whose `turn` is the index of that reply among the lane's.
 */
export interface LaneReply {
  text: string;
  tokens: TokenColumns;
  facts: ReplyFacts;
}

export interface StoredLane {
  settings: LaneSettings;
  /** Its samples, fewer than `settings.samples` if the run was interrupted, and then its branches. At most `MAX_REPLIES`. */
  replies: LaneReply[];
}

/** A lane as it took part in a blind vote. Its settings may have changed since then. */
export interface VotedLane {
  label: string;
  modelName: string;
  /** `settingsKey` of its settings. */
  key: string;
}

/** A vote that was made while names and settings were hidden. */
export interface BlindVote {
  /** ISO 8601, UTC. */
  at: string;
  /** Index of the winner in `lanes`; null for a tie. */
  winner: number | null;
  /** All lanes that were shown, in the run's order. */
  lanes: VotedLane[];
}

export interface StoredComparison {
  format: typeof COMPARISON_FORMAT;
  id: string;
  /** Empty for none; the list then shows the prompt. */
  title: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  updatedAt: string;
  /** Increases by one with every write; 0 until the first. */
  revision: number;
  prompt: ComparedPrompt;
  /** 1 to `MAX_COMPARED_LANES`. */
  lanes: StoredLane[];
  /** Index of the lane that the others are compared with; null for the first. */
  pinned: number | null;
  votes: BlindVote[];
}

export const COMPARISON_FORMAT = 1;
export const MAX_COMPARED_LANES = 8;
export const MAX_SAMPLES = 16;
/** Of a lane: samples and branches. */
export const MAX_REPLIES = 32;
/** Of a lane, or of a set of lanes; UTF-16 units. */
export const MAX_LABEL = 200;
/** Of one run. */
export const MAX_VOTES = 1000;

/** What lists show, without reading texts and tokens. */
export interface ComparisonSummary extends Pick<
  StoredComparison,
  'id' | 'title' | 'createdAt' | 'updatedAt' | 'revision' | 'votes'
> {
  /** Start of the prompt, or of the chat's last message; at most `PROMPT_START` characters. */
  promptStart: string;
  /** In the run's order. */
  lanes: { label: string; modelName: string; samples: number }[];
}

/** Length of `ComparisonSummary.promptStart`, in UTF-16 units. */
export const PROMPT_START = 200;

export interface ComparisonWrite {
  /** Whole. `revision` is the one that the changes are based on; `updatedAt` is the time of the change. */
  comparison: StoredComparison;
  /** Id of the writing page, so that it can recognise its own news. */
  origin: string;
}

export interface ComparisonWritten {
  /** A new id if someone else had changed the run meanwhile: it was then saved as a copy. */
  id: string;
  /** After the write. */
  revision: number;
}

/** A run was written, deleted or restored. */
export interface ComparisonNews {
  type: 'comparison';
  id: string;
  /** Id of the writing page; empty for another process. */
  origin: string;
  /** Null: it was deleted. */
  summary: ComparisonSummary | null;
}

/** A set of lanes that a person saved, to be run with any prompt. */
export interface LaneSet {
  id: string;
  name: string;
  /** 1 to `MAX_COMPARED_LANES`. */
  lanes: LaneSettings[];
}

export const MAX_LANE_SETS = 100;
