import { isGguf } from '../../../../src-main/engine/api/model-file-rules.ts';
import type { AttachmentKind } from '../../../../src-main/protocol/app/chats/chat.ts';

/** Languages of code fences by extension, where they differ from it. */
const LANGUAGES: Readonly<Record<string, string>> = {
  bash: 'bash',
  c: 'c',
  cc: 'cpp',
  cpp: 'cpp',
  cs: 'csharp',
  css: 'css',
  go: 'go',
  h: 'c',
  hpp: 'cpp',
  html: 'html',
  java: 'java',
  js: 'javascript',
  json: 'json',
  jsx: 'jsx',
  kt: 'kotlin',
  lua: 'lua',
  mjs: 'javascript',
  php: 'php',
  pl: 'perl',
  ps1: 'powershell',
  py: 'python',
  r: 'r',
  rb: 'ruby',
  rs: 'rust',
  scala: 'scala',
  sh: 'bash',
  sql: 'sql',
  svelte: 'svelte',
  swift: 'swift',
  toml: 'toml',
  ts: 'typescript',
  tsx: 'tsx',
  vue: 'vue',
  xml: 'xml',
  yaml: 'yaml',
  yml: 'yaml',
  zig: 'zig',
};

/** Names that open as models or chats instead. Ollama and Hugging Face name the files of models by their hashes. */
const OTHERS = /\.(?:safetensors|bin|jinja|tokenscope)$|^(?:sha256[-:])?[0-9a-f]{64}$/i;

function extensionOf(name: string): string {
  return /\.([^./\\]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
}

export function kindOf(name: string): AttachmentKind {
  const extension = extensionOf(name);
  if (extension === 'pdf') return 'pdf';
  if (extension === 'md' || extension === 'markdown') return 'markdown';
  if (extension === 'csv' || extension === 'tsv') return 'csv';
  return Object.hasOwn(LANGUAGES, extension) ? 'code' : 'text';
}

/** For a code fence; empty for plain text. */
export function languageOf(name: string): string {
  const extension = extensionOf(name);
  const kind = kindOf(name);
  if (kind === 'markdown') return 'markdown';
  if (kind === 'csv') return extension;
  return Object.hasOwn(LANGUAGES, extension) ? (LANGUAGES[extension] ?? '') : '';
}

/** Whether a dropped file, which is not a folder, is meant for a message. */
export function isAttachable(name: string): boolean {
  return !isGguf(name) && !OTHERS.test(name);
}
