import { cutText } from '../../cut-text.ts';
import { PROMPT_START, type ComparedPrompt, type ComparisonSummary, type StoredComparison } from './comparison.ts';

export function summaryOf(comparison: StoredComparison): ComparisonSummary {
  const { id, title, createdAt, updatedAt, revision, votes, prompt, lanes } = comparison;
  return {
    id,
    title,
    createdAt,
    updatedAt,
    revision,
    promptStart: cutText(latestText(prompt), PROMPT_START),
    lanes: lanes.map(({ settings: { label, modelName, samples } }) => ({ label, modelName, samples })),
    votes,
  };
}

/** The prompt, or a chat's last message. */
function latestText(prompt: ComparedPrompt): string {
  return prompt.kind === 'text' ? prompt.text : (prompt.messages.at(-1)?.text ?? '');
}
