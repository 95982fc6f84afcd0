/** What a first try shows, and the text that shows it well. */
export interface FirstPrompt {
  title: string;
  text: string;
  /** What the person will see, in a sentence. */
  shows: string;
  /** How the reply is shown: as plain text, as tokens, or beside the rate chart. */
  opens: 'text' | 'tokens' | 'rate';
}

export const FIRST_PROMPTS: readonly FirstPrompt[] = [
  {
    title: 'Read a first reply',
    text: 'Hello world',
    shows: 'The reply continues your text, and says below it why it ended and how fast it was.',
    opens: 'text',
  },
  {
    title: 'Watch it guess',
    text: 'The cat sat on the',
    shows: 'Turns the tokens view on. Hover any word to see what else it could have been.',
    opens: 'tokens',
  },
  {
    title: 'Clock it',
    text: 'Once upon a time, there was a little',
    shows: 'Opens the rate chart. A longer story shows how many tokens a second this computer makes.',
    opens: 'rate',
  },
];
