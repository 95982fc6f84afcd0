import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatDuration, formatInteger, formatPercent, formatRate } from './format.ts';

describe('numbers as the interface writes them', () => {
  it('puts commas between thousands', () => {
    expect(formatInteger(49152)).toBe('49,152');
    expect(formatInteger(2448960)).toBe('2,448,960');
    expect(formatInteger(7)).toBe('7');
  });
  it.each([
    [0.42, '42 %'],
    [1, '100 %'],
    [0.09, '9.0 %'],
    [0.0999, '10 %'],
    [0.0004, '0.04 %'],
    [0.00001, '< 0.01 %'],
    [0, '0 %'],
  ])('writes %f as %s', (fraction, text) => expect(formatPercent(fraction)).toBe(text));
  it.each([
    [512, '512 B'],
    [9_820_000, '9.8 MB'],
    [105_000_000, '105 MB'],
    [999_700, '1.0 MB'],
    [1_900_000_000, '1.9 GB'],
  ])('writes %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
  it.each([
    [2.44, '2.4 ms'],
    [38.2, '38 ms'],
    [290, '290 ms'],
    [1240, '1.2 s'],
    [60_000, '1 min'],
    [125_000, '2 min 5 s'],
  ])('writes %f ms as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
  it('writes rates and counts', () => {
    expect(formatRate(412.3)).toBe('412');
    expect(formatRate(9.44)).toBe('9.4');
    expect(formatRate(1234)).toBe('1,234');
    expect(formatCount(1, 'chat')).toBe('1 chat');
    expect(formatCount(10, 'chat')).toBe('10 chats');
    expect(formatCount(0, 'network request')).toBe('0 network requests');
  });
});
