/** Plain sentences, to be truncated after any word. */
const SENTENCES = [
  'The sun rises in the east and sets in the west, and the days grow longer until the middle of summer.',
  'Water boils at one hundred degrees, but on a high mountain it boils sooner because the air is thin.',
  'My grandmother kept her letters in a wooden box under the bed and read them every winter evening.',
  'To bake bread you need flour, water, salt and yeast, and a little patience while the dough rises.',
  'The library opens at nine in the morning and closes at six, except on Sunday, when it stays shut.',
  'A computer stores every number as a row of bits, and each bit is either a zero or a one.',
  'When the train stopped at the small station, nobody got off and only an old man got on.',
  'She asked him why the sky is blue, and he told her that the air scatters short waves more than long ones.',
];

/** Prefixes of three words and more, of all sentences in turn. */
export const BEGINNINGS: readonly string[] = Array.from({ length: 13 }, (_, cut) =>
  SENTENCES.map((sentence) =>
    sentence
      .split(' ')
      .slice(0, cut + 3)
      .join(' '),
  ),
).flat();
