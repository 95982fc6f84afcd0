import { describe, expect, it } from 'vitest';
import { ggufModelFiles, ggufModelOf, ggufTitle, hasGgufMagic, isHfFolder, splitModelOf } from './model-file-rules.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('GGUF files', () => {
  it('begin with four letters', () => {
    const files = ['GGUF and more', 'GGUF', 'GGU', 'gguf', ''];
    expect(files.filter((text) => hasGgufMagic(bytes(text)))).toEqual(['GGUF and more', 'GGUF']);
  });

  it('have the parts of a split model in common, whatever the case of the extension', () => {
    const parts = ['a/big-00001-of-00002.gguf', 'a/big-00002-of-00002.GGUF'];
    expect(parts.map(splitModelOf)).toEqual(parts.map(() => ({ prefix: 'a/big', count: '00002' })));
    expect(new Set(parts.map(ggufModelOf)).size).toBe(1);
    const others = ['a/big.gguf', 'a/big-00001-of-00003.gguf', 'b/big-00001-of-00002.gguf', 'a/big-of-00002.gguf'];
    expect(new Set([...parts, ...others].map(ggufModelOf)).size).toBe(5);
    expect(splitModelOf('big-1-of-2.gguf')).toBeNull();
  });

  it('are named without extension and part number', () => {
    const names = ['Story.Q4_0.GGUF', 'big-00002-of-00003.gguf', 'sha256-abc', 'gguf-notes'];
    expect(names.map(ggufTitle)).toEqual(['Story.Q4_0', 'big', 'sha256-abc', 'gguf-notes']);
  });

  it('of projectors are no models, unless there is nothing else', () => {
    const projectors = ['mmproj-model-f16.gguf', 'llava-v1.5-mmproj-f16.gguf'];
    expect(ggufModelFiles([...projectors, 'llava-v1.5.gguf', 'config.json'])).toEqual(['llava-v1.5.gguf']);
    expect(ggufModelFiles([...projectors, 'notes.txt'])).toEqual(projectors);
    expect(ggufModelFiles(['notes.txt'])).toEqual([]);
  });
});

it.each([
  [['config.json', 'model.safetensors'], true],
  [['config.json', 'model.safetensors.index.json', 'model-Q4_0.gguf'], true],
  [['config.json', 'model-Q4_0.gguf'], false],
  [['model.safetensors', 'model-Q4_0.gguf'], false],
  [['config.json'], true],
  [['model-Q4_0.gguf'], false],
])('%j is a Hugging Face folder: %s', (names, expected) => {
  expect(isHfFolder(names)).toBe(expected);
});
