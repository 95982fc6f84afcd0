/** The ten steps from a text to the next token, and two questions about it (the rail of the view). */
export type StepId =
  | 'tokenize'
  | 'embed'
  | 'position'
  | 'attention'
  | 'feed-forward'
  | 'layers'
  | 'head'
  | 'sampling'
  | 'loop'
  | 'detokenize'
  | 'why'
  | 'what-if';

export interface Step {
  id: StepId;
  name: string;
  /** In three words. */
  gist: string;
  /** In two or three sentences. */
  text: string;
  /** What can be selected. */
  uses: readonly ('layer' | 'head')[];
}

export const STEPS: readonly Step[] = [
  {
    id: 'tokenize',
    name: 'Tokenize',
    gist: 'text to pieces',
    text: 'The text is cut into pieces from a fixed vocabulary. Each piece has a number, its ID. The model only sees these IDs.',
    uses: [],
  },
  {
    id: 'embed',
    name: 'Embed',
    gist: 'pieces to vectors',
    text: 'Each ID selects one row of a table that was learned in training. Tokens with similar uses have rows that point the same way.',
    uses: [],
  },
  {
    id: 'position',
    name: 'Position',
    gist: 'order is added',
    text: 'Embedding rows carry no order. Depending on the model, a vector is added for each position, or queries and keys are rotated by angles that grow with it.',
    uses: ['layer'],
  },
  {
    id: 'attention',
    name: 'Attention',
    gist: 'tokens look back',
    text: 'Each token looks at itself and the tokens before it, and takes more from some than from others. It never looks ahead, so the upper right half of the picture stays empty.',
    uses: ['layer', 'head'],
  },
  {
    id: 'feed-forward',
    name: 'Feed-forward',
    gist: 'each token alone',
    text: 'Each token passes through a layer of neurons on its own. A neuron that fires adds a vector, which makes some tokens more likely and others less.',
    uses: ['layer'],
  },
  {
    id: 'layers',
    name: 'Layers',
    gist: 'blocks add up',
    text: 'Attention and feed-forward repeat in every layer. Each adds its result to a running sum, the residual stream.',
    uses: ['layer'],
  },
  {
    id: 'head',
    name: 'Head',
    gist: 'vector to scores',
    text: 'A last matrix turns the vector into a score for each token of the vocabulary, a logit. Applied after earlier layers, it shows what the model would predict there.',
    uses: [],
  },
  {
    id: 'sampling',
    name: 'Sampling',
    gist: 'scores to one pick',
    text: 'Each stage changes probabilities or removes candidates. Then one random number picks from what is left.',
    uses: [],
  },
  {
    id: 'loop',
    name: 'Loop',
    gist: 'append and repeat',
    text: 'The new token is appended, and everything runs again for the next one. Keys and values of earlier tokens are reused from the KV cache.',
    uses: [],
  },
  {
    id: 'detokenize',
    name: 'Detokenize',
    gist: 'pieces to text',
    text: 'The bytes of the pieces are joined and read as text. A character can span tokens, so it appears only when its last byte arrives.',
    uses: [],
  },
];

export const QUESTIONS: readonly Step[] = [
  {
    id: 'why',
    name: 'Why this token',
    gist: 'which parts made it',
    text: 'The logit of a token is a sum with one term for each part of the model. Compare the token with a rival to see what decided between them.',
    uses: [],
  },
  {
    id: 'what-if',
    name: 'What if',
    gist: 'change the run',
    text: 'Turn parts of the model off, replace a token or change the temperature. The model runs again, and the page compares both runs.',
    uses: [],
  },
];

export const PAGES: readonly Step[] = [...STEPS, ...QUESTIONS];
