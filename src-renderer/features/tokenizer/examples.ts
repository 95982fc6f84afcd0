/** Texts that tokenizers differ on. */
export const EXAMPLES: readonly { name: string; text: string }[] = [
  { name: 'Sentence', text: 'The little tin robot’s favourite colour was unbelievably blue.' },
  { name: 'Numbers', text: '1 12 123 1234 12345 3.14159 2026-11-25' },
  { name: 'Code', text: 'function add(a, b) {\n\treturn a + b;    // sum\n}\n' },
  { name: 'Other scripts', text: 'Straße · Ελλάδα · Київ · 東京タワー · สวัสดี · مرحبا · नमस्ते' },
  { name: 'Invisible', text: 'a\u00a0b\u200bc\u200dd e\u0301 \u{1f469}\u200d\u{1f680} \ufeffend' },
];
