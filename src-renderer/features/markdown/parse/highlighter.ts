import type { LanguageFn } from 'highlight.js';
import { createLowlight } from 'lowlight';

/** Imported by name, so that the package's own set of languages is left out. */
const lowlight = createLowlight();

export function highlightTree(code: string, name: string): ReturnType<typeof lowlight.highlight> {
  return lowlight.highlight(name, code);
}

export function knows(name: string): boolean {
  return lowlight.registered(name);
}

export function register(name: string, language: LanguageFn): void {
  lowlight.register(name, language);
}
