import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ConfigReader } from '../config-reader.ts';
import { MetadataReader } from '../gguf/metadata-reader.ts';
import { ggufArchitecture, hfArchitecture } from './index.ts';

const gguf = (name: string) =>
  ggufArchitecture(new MetadataReader(new Map([['general.architecture', name]]), 'a.gguf'));
const hf = (config: object) => hfArchitecture(new ConfigReader(config, 'config.json'));

/** The architectures that an error message lists as supported. */
function supported(refused: () => unknown): string[] {
  expect(refused).toThrow(/Supported: /);
  try {
    refused();
    return [];
  } catch (error) {
    return (error as { details: { supported: string } }).details.supported.split(', ');
  }
}

it('has a row for every file', () => {
  const others = /^(?:index|architecture)\.ts$|\.test\.ts$|^tiny-transformer\.ts$/;
  const files = readdirSync(import.meta.dirname).filter((file) => !others.test(file));
  expect(supported(() => gguf('mamba')).toSorted()).toEqual(files.map((file) => file.replace('.ts', '')).toSorted());
});

it('finds each architecture by the names in its files', () => {
  const names = supported(() => gguf('mamba'));
  expect(names.map((name) => gguf(name).name)).toEqual(names);
  const types = supported(() => hf({ model_type: 'mamba' }));
  expect(types.map((model_type) => hf({ model_type }).type)).toEqual(types);
  // If two architectures shared a name, one would hide the other.
  expect([new Set(names).size, new Set(types).size]).toEqual([names.length, types.length]);
  expect(hf({ model_type: 'mistral' }).architecture).toBe(gguf('llama'));
});

it('finds the built-in model by its own key, and supports no GGUF file of it', () => {
  expect(hf({ architecture: 'TinyTransformer' }).architecture).toMatchObject({ name: 'TinyTransformer', gguf: null });
  expect(() => gguf('TinyTransformer')).toThrow('the architecture TinyTransformer is not supported');
  expect(() => hf({ model_type: 'TinyTransformer' })).toThrow('the model_type TinyTransformer is not supported');
  expect(() => hf({ architecture: 'llama' })).toThrow('"model_type" is missing');
});
