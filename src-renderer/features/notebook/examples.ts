/** Beginnings of texts, for an empty notebook. */
export const EXAMPLES: readonly { title: string; text: string }[] = [
  { title: 'A story', text: 'Once upon a time, there was a little girl named' },
  { title: 'A dialogue', text: 'Tom looked at the dog. "Where is my ball?" he asked.\n\n"' },
  { title: 'A list', text: 'Things to take to the park:\n1. A red ball\n2.' },
];
