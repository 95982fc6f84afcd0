import { expect, it } from 'vitest';
import { pieceReader } from './v1-pieces.ts';

it('decodes bytes that are written as characters', () => {
  const read = pieceReader([
    { piece: 'One', text: 'One' },
    { piece: 'Ġfascinating', text: ' fascinating' },
  ]);
  expect(['Ċ', 'ĠĠ', 'âĤ¬', 'âĤ', 'a', '<|im_end|>', '▁'].map(read)).toEqual([
    '\n',
    '  ',
    '€',
    '<0xE2><0x82>',
    'a',
    '<|im_end|>',
    '▁',
  ]);
});

it('decodes the sign for a space', () => {
  const read = pieceReader([{ piece: '▁world', text: ' world' }]);
  expect(['▁Ġ', '<0x0A>', '▁▁'].map(read)).toEqual([' Ġ', '<0x0A>', '  ']);
});

it('does not change pieces that are text, or ambiguous', () => {
  for (const tokens of [[], [{ piece: '##ing', text: 'ing' }], [{ piece: 'Ġ', text: 'Ġ' }]]) {
    expect(['Ġ', '##ing', '▁'].map(pieceReader(tokens))).toEqual(['Ġ', '##ing', '▁']);
  }
});
