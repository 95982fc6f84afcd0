/** What the view shows when it was opened without a text. */
export const EXAMPLE = 'The dog ran to the garden. It';

/** A text that differs in one word, beside it. */
export const EXAMPLE_BESIDE = 'The dog ran to the kitchen. It';

/** Debounce delay while typing, ms. */
export const ASK_AFTER_MS = 200;
