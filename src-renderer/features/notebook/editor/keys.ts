/** The key that generates, as this system writes it. */
export const GENERATE_KEY = /Mac/.test(navigator.userAgent) ? '⌘ Enter' : 'Ctrl Enter';
