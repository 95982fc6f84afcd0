/** Fitted to what processes measurably take: src-main/hosts/node/memory-estimate.integration.test.ts. Bytes. */
const OF_ANY_MODEL = 400_000;
/** An instance of the kernels, with its tables. */
const OF_KERNELS = 600_000;
/** A thread of the kernels has a JavaScript machine of its own, though it runs ten lines of it. */
const OF_A_THREAD = 8_500_000;
/** Its bytes, its place in the tables, and its merges. */
const OF_A_TOKEN = 400;

/**
 * Bytes that a loaded model takes beside its tensors: the tokenizer, the program, the kernels and their threads.
 * @param threads that the kernels compute on, the engine's own included; null: no kernels, the reference executor
 */
export function engineOverhead(vocabularySize: number, threads: number | null): number {
  const kernels = threads === null ? 0 : OF_KERNELS + OF_A_THREAD * (threads - 1);
  return OF_ANY_MODEL + OF_A_TOKEN * vocabularySize + kernels;
}
