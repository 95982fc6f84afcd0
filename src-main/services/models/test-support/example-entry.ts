import type { CatalogueModel } from '../catalogue.ts';

/** An entry of a catalogue. */
export function exampleEntry(overrides: Partial<CatalogueModel> = {}): CatalogueModel {
  return {
    id: 'tiny-1m',
    name: 'Tiny 1M',
    publisher: 'Somebody',
    packer: null,
    architecture: 'llama',
    parameters: 1_000_000,
    contextSize: 512,
    layers: 3,
    kvHeads: 2,
    headDim: 16,
    quantisation: 'F32',
    description: 'Says something.',
    cannot: 'Knows nothing.',
    license: { name: 'MIT', url: 'https://example.org/mit', kind: 'free' },
    repository: 'somebody/tiny',
    revision: 'main',
    file: 'tiny.gguf',
    bytes: null,
    sha256: null,
    ...overrides,
  };
}
