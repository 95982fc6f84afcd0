import type { LanguageFn } from 'highlight.js';
import type { HighlightSpan } from '../tree.ts';
import type { highlightTree } from './highlighter.ts';

type Language = () => Promise<{ default: LanguageFn }>;
type Tree = ReturnType<typeof highlightTree>;

/** Loaded when a reply uses them. */
const LANGUAGES: Readonly<Record<string, Language>> = {
  bash: () => import('highlight.js/lib/languages/bash'),
  c: () => import('highlight.js/lib/languages/c'),
  cpp: () => import('highlight.js/lib/languages/cpp'),
  csharp: () => import('highlight.js/lib/languages/csharp'),
  css: () => import('highlight.js/lib/languages/css'),
  dart: () => import('highlight.js/lib/languages/dart'),
  diff: () => import('highlight.js/lib/languages/diff'),
  dockerfile: () => import('highlight.js/lib/languages/dockerfile'),
  elixir: () => import('highlight.js/lib/languages/elixir'),
  go: () => import('highlight.js/lib/languages/go'),
  graphql: () => import('highlight.js/lib/languages/graphql'),
  haskell: () => import('highlight.js/lib/languages/haskell'),
  ini: () => import('highlight.js/lib/languages/ini'),
  java: () => import('highlight.js/lib/languages/java'),
  javascript: () => import('highlight.js/lib/languages/javascript'),
  json: () => import('highlight.js/lib/languages/json'),
  julia: () => import('highlight.js/lib/languages/julia'),
  kotlin: () => import('highlight.js/lib/languages/kotlin'),
  latex: () => import('highlight.js/lib/languages/latex'),
  lua: () => import('highlight.js/lib/languages/lua'),
  makefile: () => import('highlight.js/lib/languages/makefile'),
  markdown: () => import('highlight.js/lib/languages/markdown'),
  matlab: () => import('highlight.js/lib/languages/matlab'),
  perl: () => import('highlight.js/lib/languages/perl'),
  php: () => import('highlight.js/lib/languages/php'),
  powershell: () => import('highlight.js/lib/languages/powershell'),
  python: () => import('highlight.js/lib/languages/python'),
  r: () => import('highlight.js/lib/languages/r'),
  ruby: () => import('highlight.js/lib/languages/ruby'),
  rust: () => import('highlight.js/lib/languages/rust'),
  scala: () => import('highlight.js/lib/languages/scala'),
  sql: () => import('highlight.js/lib/languages/sql'),
  swift: () => import('highlight.js/lib/languages/swift'),
  typescript: () => import('highlight.js/lib/languages/typescript'),
  xml: () => import('highlight.js/lib/languages/xml'),
  yaml: () => import('highlight.js/lib/languages/yaml'),
};

const ALIASES: Readonly<Record<string, string>> = {
  'c++': 'cpp',
  'c#': 'csharp',
  cc: 'cpp',
  cs: 'csharp',
  docker: 'dockerfile',
  golang: 'go',
  h: 'c',
  hpp: 'cpp',
  hs: 'haskell',
  html: 'xml',
  js: 'javascript',
  jsx: 'javascript',
  kt: 'kotlin',
  make: 'makefile',
  md: 'markdown',
  mjs: 'javascript',
  patch: 'diff',
  ps1: 'powershell',
  py: 'python',
  python3: 'python',
  rb: 'ruby',
  rs: 'rust',
  sh: 'bash',
  shell: 'bash',
  svg: 'xml',
  tex: 'latex',
  toml: 'ini',
  ts: 'typescript',
  tsx: 'typescript',
  vue: 'xml',
  yml: 'yaml',
  zsh: 'bash',
};

/** @returns spans in order, without gaps for unstyled text; null for an unknown language */
export async function highlight(code: string, language: string): Promise<HighlightSpan[] | null> {
  const name = ALIASES[language.toLowerCase()] ?? language.toLowerCase();
  if (!Object.hasOwn(LANGUAGES, name)) return null;
  const { highlightTree, knows, register } = await import('./highlighter.ts');
  if (!knows(name)) register(name, (await LANGUAGES[name]()).default);
  return spansOf(highlightTree(code, name));
}

function spansOf(tree: Tree): HighlightSpan[] {
  const spans: HighlightSpan[] = [];
  let at = 0;
  const walk = (nodes: Tree['children'], scope: string): void => {
    for (const node of nodes) {
      if (node.type === 'text') {
        if (scope !== '') spans.push({ from: at, to: at + node.value.length, scope });
        at += node.value.length;
      } else if (node.type === 'element') {
        const [first] = Array.isArray(node.properties.className) ? node.properties.className : [];
        walk(node.children, String(first ?? scope).replace(/^hljs-/u, ''));
      }
    }
  };
  walk(tree.children, '');
  return spans;
}
