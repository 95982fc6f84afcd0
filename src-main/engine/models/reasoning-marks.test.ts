import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { IdsOnlyTokenizer } from '../tokenizer/ids-only-tokenizer.ts';
import { wordTokenizer } from '../test-support/scripted-model.ts';
import { reasoningMarksOf } from './reasoning-marks.ts';

const template = (name: string) =>
  readFileSync(new URL(`../fixtures/chat-templates/${name}.jinja`, import.meta.url), 'utf8');
const THINK = { open: '<think>', close: '</think>' };
const plain = wordTokenizer(['<BOS>', '<EOS>', '<UNK>', 'a']);
const thinking = wordTokenizer(['<BOS>', '<EOS>', '<UNK>', '<think>', '</think>']);

it('are those that the template writes or searches for', () => {
  expect(reasoningMarksOf(template('qwen3'), plain)).toEqual(THINK);
  expect(reasoningMarksOf("{{ m.split('[/THINK]') }}", plain)).toEqual({ open: '[THINK]', close: '[/THINK]' });
});

it('are otherwise those that are single tokens', () => {
  expect(reasoningMarksOf(template('smollm2'), thinking)).toEqual(THINK);
  expect(reasoningMarksOf(null, thinking)).toEqual(THINK);
});

it('are absent for a model without reasoning or without text', () => {
  expect(reasoningMarksOf(template('smollm2'), new IdsOnlyTokenizer(10, 'tokenizer.json'))).toBeNull();
  expect(reasoningMarksOf(template('smollm2'), plain)).toBeNull();
  const half = wordTokenizer(['<BOS>', '<EOS>', '<UNK>', '<think>']);
  expect(reasoningMarksOf(null, half)).toBeNull();
});
