/** The browser's database with the prefix cache: an engine's Worker fills it, and a page that needs its space deletes it. */
export const PREFIX_DATABASE = 'tokenscope-prefix-cache';
