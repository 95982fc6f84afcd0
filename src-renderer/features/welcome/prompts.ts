/** The prompts of the welcome screen. */
export interface FirstPrompt {
  title: string;
  text: string;
  /** What it shows, in a sentence. */
  shows: string;
  /** View of the reply: plain text, tokens, or with the rate chart. */
  opens: 'text' | 'tokens' | 'rate';
}

/** For models that continue a text. */
const TEXT_PROMPTS: readonly FirstPrompt[] = [
  {
    title: 'Get a first reply',
    text: 'Hello world',
    shows: 'The model continues your text. Below it: why it stopped, and how fast it was.',
    opens: 'text',
  },
  {
    title: 'Watch it guess',
    text: 'The cat sat on the',
    shows: 'Turns on the tokens view. Hover over any token to see the other candidates.',
    opens: 'tokens',
  },
  {
    title: 'Measure its speed',
    text: 'Once upon a time, there was a little',
    shows: 'Opens the rate chart. A longer story shows how many tokens per second this computer generates.',
    opens: 'rate',
  },
];

/** For models that answer messages. */
const CHAT_PROMPTS: readonly FirstPrompt[] = [
  {
    title: 'Get a first reply',
    text: 'Give me three ideas for a rainy afternoon.',
    shows: 'The model answers. Below the reply: why it stopped, and how fast it was.',
    opens: 'text',
  },
  {
    title: 'Watch it guess',
    text: 'What is the capital of France?',
    shows: 'Turns on the tokens view. Hover over any token to see the other candidates.',
    opens: 'tokens',
  },
  {
    title: 'Measure its speed',
    text: 'Tell me a short story about a lighthouse keeper.',
    shows: 'Opens the rate chart. A longer reply shows how many tokens per second this computer generates.',
    opens: 'rate',
  },
];

/** @param answers whether the model answers messages or continues a text */
export function firstPrompts(answers: boolean): readonly FirstPrompt[] {
  return answers ? CHAT_PROMPTS : TEXT_PROMPTS;
}

/**
 * What the model does, below the title.
 * @param model the loaded model, or null
 * @param coming name of a model that is loading, unless it is the built-in one, or null
 */
export function leadText(
  model: { name: string; answers: boolean; builtIn: boolean } | null,
  coming: string | null,
): string {
  if (coming !== null) return `Loading ${coming}…`;
  if (model === null || model.builtIn) {
    return (
      'A small model comes with the app and runs on this computer. It turns the text you start into a short ' +
      'children’s story and shows every choice it makes.'
    );
  }
  const where = `${model.name} runs on this computer and shows every choice it makes.`;
  return model.answers
    ? `${where} Ask it a question, or tell it what to write.`
    : `${where} Start a text. The model continues it.`;
}
