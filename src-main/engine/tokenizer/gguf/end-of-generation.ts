/**
 * Texts of tokens that end a reply whatever a file says about them, as llama.cpp has it (llama-vocab.cpp,
 * `special_eog_ids`): models use several, and files name one.
 */
const END_TEXTS: ReadonlySet<string> = new Set([
  '<|eot_id|>',
  '<|eom_id|>',
  '<|im_end|>',
  '<|end|>',
  '<|return|>',
  '<|call|>',
  '<|flush|>',
  '<|calls|>',
  '<end_of_turn>',
  '<|endoftext|>',
  '<|end_of_text|>',
  '<end_of_utterance>',
  '<eos>',
  '</s>',
  '<EOT>',
  '_<EOT>',
  '[EOT]',
  '[EOS]',
  '<｜end▁of▁sentence｜>',
]);

/** Whether a token of this text ends a reply. Such a token is special, also where the file calls it ordinary. */
export function endsGeneration(piece: string): boolean {
  return END_TEXTS.has(piece);
}

/**
 * Every token that ends a reply, ascending, each once.
 * @param named ids that the file's keys name (eos, eot, eom), null for absent ones
 */
export function endOfGenerationIds(pieces: Iterable<string>, named: readonly (number | null)[]): number[] {
  const ids = new Set(named.filter((id) => id !== null));
  let id = 0;
  for (const piece of pieces) {
    if (endsGeneration(piece)) ids.add(id);
    id++;
  }
  return [...ids].sort((a, b) => a - b);
}
