/** The lesson: what each step is about, with one example, and a question that its picture answers. */
import type { StepId } from '../steps.ts';
import type { Cell, Picture } from '../picture/picture.ts';

export const LESSON_TEXT = 'Hello world';

export interface LessonPart {
  step: StepId;
  /** Paragraphs. */
  text: readonly string[];
  question: string;
  /** Name of the picture that is touched. */
  picture: string;
  isRight(cell: Cell, picture: Picture): boolean;
  /** After the right answer. */
  right: string;
  /** After another one. */
  hint: string;
}

/** The numbers of a column of the picture's table; -Infinity where it has a text. */
function column({ table }: Picture, at: number): number[] {
  return Array.from({ length: table.rows }, (_, row) => {
    const value = table.row(row)[at];
    return typeof value === 'number' ? value : -Infinity;
  });
}

function placeOfLargest(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}

export const LESSON: readonly LessonPart[] = [
  {
    step: 'tokenize',
    text: [
      'A language model does not read letters. It has a fixed list of pieces, its vocabulary: in this model, 8,000 words and parts of words. The text is cut into pieces of that list, and each piece is replaced by its number.',
      '“Hello world” becomes two pieces, because both words are in the list. A longer or rarer word would become several. Select a token above to see how it was found.',
    ],
    question: 'The model received three tokens, but you typed two words. Choose the token that was added.',
    picture: 'pieces',
    isRight: ({ column: at }, { table }) => table.row(at)[1] === '<BOS>',
    right: '<BOS> marks the beginning of a text. In training, every text began with it.',
    hint: 'That piece is a word of the text.',
  },
  {
    step: 'embed',
    text: [
      'A number says nothing about meaning: 580 is not close to 593. So each ID selects a row of a table, 128 numbers that were learned in training. From here on, the model computes with these vectors only.',
      'Training moves the rows of words with similar uses in similar directions. The angle between two rows measures that: a cosine of 1 is the same direction, 0 is a right angle. The second picture compares the selected token with the whole vocabulary.',
    ],
    question: 'Select “world” above. Choose the word whose row is most like its row.',
    picture: 'neighbours',
    isRight: ({ row }, picture) => row === placeOfLargest(column(picture, 2)),
    right: 'No row has a larger cosine. A model this small has seen few texts, so its neighbours are rough.',
    hint: 'Another bar is longer.',
  },
  {
    step: 'position',
    text: [
      '“Dog bites man” and “man bites dog” have the same words. Attention, the next step, would not notice the difference, because it treats tokens as a set.',
      'So this model adds a second vector to each token: one row of a table of positions, learned like the first table. Newer models rotate vectors instead. Either way, the same word at another position has another vector.',
    ],
    question: 'Choose the row that is added to “Hello”.',
    picture: 'positions',
    isRight: ({ row }) => row === 1,
    right: '“Hello” is at position 1. Positions count from 0, the position of <BOS>.',
    hint: 'Look at the names of the rows. “Hello” comes after <BOS>.',
  },
  {
    step: 'attention',
    text: [
      'Now the tokens exchange information. Each computes a query, a key and a value from its vector. The query of one token is multiplied by the keys of all tokens up to it; softmax turns the scores into weights that sum to 1; the values are added with these weights.',
      'A row of the picture is a token that looks, a column is what it looks at. The upper half is empty, because no token may look ahead. Four heads do this side by side in each layer, each with its own queries, keys and values.',
    ],
    question: 'Layer 1, head 1: choose the cell that “world” attends to most.',
    picture: 'attention',
    isRight({ row, column: at }, { table, rows }) {
      const weights = table.row(row).slice(2).map(Number);
      return row === rows - 1 && at === placeOfLargest(weights);
    },
    right: 'Point at the cell to see the scores that softmax compared. Other heads look elsewhere.',
    hint: 'Use the last row, and its strongest cell.',
  },
  {
    step: 'feed-forward',
    text: [
      'After the exchange, each token is processed alone. Its vector goes through 256 neurons. A neuron compares the vector with a pattern; if it matches, the neuron fires, and adds its own output vector to the token.',
      'What a neuron adds makes some tokens more likely and others less. The first picture shows the neurons that fire most. The second shows what the selected one does to the logits, with all norms held fixed.',
    ],
    question: 'Choose the token that the selected neuron promotes most.',
    picture: 'neuron-effects',
    isRight: ({ row }, picture) => row === placeOfLargest(column(picture, 2)),
    right: 'That is its largest effect. One neuron decides little: 512 of them and 8 heads are added up.',
    hint: 'Promoted tokens have bars to the right. Another one is longer.',
  },
  {
    step: 'layers',
    text: [
      'Attention and feed-forward make one layer. This model has two; large ones have a hundred. Every block adds its result to the vector that came in, so one vector runs through the whole model and collects what the blocks find. It is called the residual stream.',
      'The length of what a block adds says how much it changed the token, though not whether the change mattered.',
    ],
    question: 'Choose the block that adds most at the last token.',
    picture: 'blocks',
    isRight: ({ row }, picture) => row === placeOfLargest(column(picture, 2)),
    right: 'That block changed the vector most. “Why this token” shows what it did for the prediction.',
    hint: 'Another bar is longer.',
  },
  {
    step: 'head',
    text: [
      'The vector of the last token now has to become a prediction. A last matrix compares it with one vector for each of the 8,000 tokens. Each product is a score, the logit of that token. Softmax turns the logits into probabilities.',
      'Nothing stops us from doing the same after an earlier layer. That is the logit lens: what the model would predict if it ended there. Each row of the picture is a layer.',
    ],
    question: 'Choose what the model would predict after its first layer.',
    picture: 'lens',
    isRight: ({ row, column: at }) => row === 0 && at === 0,
    right: 'Compare it with the row below: that is what the second layer changed.',
    hint: 'Use the first row. The best guess is on the left.',
  },
  {
    step: 'sampling',
    text: [
      'The model ends with probabilities. A token still has to be chosen. Always taking the best one gives the same, often dull, text. So samplers change the probabilities: temperature makes them more or less equal, top-k and top-p remove the unlikely ones.',
      'Then one random number decides. Picture the remaining candidates on a line, each as long as its probability: the number is a point on the line. “Draw again” uses another number.',
    ],
    question: 'Choose the candidate that is most likely to be drawn.',
    picture: 'survivors',
    isRight: ({ row }, picture) => row === placeOfLargest(column(picture, picture.table.columns.length - 1)),
    right: 'After “Hello world” this model is almost certain. After other texts it is not.',
    hint: 'Another one has a longer bar.',
  },
  {
    step: 'loop',
    text: [
      'The drawn token is appended to the text, and everything begins again for the next one. A reply of 100 words takes these ten steps more than a hundred times.',
      'Most of the work can be saved. No token looks ahead, so the keys and values of earlier tokens never change. They are kept in the KV cache, and only the new token is computed. “Measure the time” shows what that saves on this computer.',
    ],
    question: 'Choose the way that needs fewer operations.',
    picture: 'operations',
    isRight: ({ row }, picture) => column(picture, 1)[row] === Math.min(...column(picture, 1)),
    right: 'With three tokens it saves two thirds. With a thousand it saves 99.9\u00a0%.',
    hint: 'The other bar is shorter.',
  },
  {
    step: 'detokenize',
    text: [
      'Each drawn ID is turned back into bytes, and the bytes into text. This model joins words with spaces. Others have pieces of single bytes, so an emoji can take four tokens, and appears only when the last of them is there.',
      'That was one token, from text to text. Every number you saw was computed by this model.',
    ],
    question: 'Choose the bytes that spell “world”.',
    picture: 'bytes',
    isRight: ({ column: at }, { table }) => table.row(at)[1] === 'world',
    right: 'UTF-8 writes each letter of English as one byte: 77 is w.',
    hint: '“world” is the last token.',
  },
];
