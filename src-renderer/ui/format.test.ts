import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatBytesOf,
  formatCount,
  formatDate,
  formatDecimal,
  formatDuration,
  formatInteger,
  formatPercent,
  formatRate,
  formatTimeLeft,
  withUnit,
} from './format.ts';

/** A non-breaking space for each space, as before units. */
const unbroken = (text: string) => text.replaceAll(' ', '\u00a0');

describe('numbers as the interface writes them', () => {
  it('puts commas between thousands', () => {
    expect(formatInteger(49152)).toBe('49,152');
    expect(formatInteger(2448960)).toBe('2,448,960');
    expect(formatInteger(7)).toBe('7');
  });
  it('writes decimals', () => {
    expect(formatDecimal(1234.5678)).toBe('1,234.568');
    expect(formatDecimal(0.00012, 4)).toBe('0.0001');
    expect(formatDecimal(12, 2, 2)).toBe('12.00');
  });
  it.each([
    [0.42, '42 %'],
    [1, '100 %'],
    [0.09, '9.0 %'],
    [0.0999, '10 %'],
    [0.0004, '0.04 %'],
    [0.00001, '< 0.01 %'],
    [0, '0 %'],
  ])('writes %f as %s', (fraction, text) => expect(formatPercent(fraction)).toBe(unbroken(text)));
  it.each([
    [512, '512 B'],
    [9_820_000, '9.8 MB'],
    [105_000_000, '105 MB'],
    [999_700, '1.0 MB'],
    [1_900_000_000, '1.9 GB'],
  ])('writes %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(unbroken(text)));
  it.each([
    [41_000_000, 105_000_000, '41 of 105\u00a0MB'],
    [41_000_000, 1_900_000_000, '41.0\u00a0MB of 1.9\u00a0GB'],
    [60_000_000, 1_900_000_000, '0.1 of 1.9\u00a0GB'],
    [3_000, 3_000, '3.0 of 3.0\u00a0kB'],
    [0, 999_700, '0.0 of 1.0\u00a0MB'],
  ])('writes %d of %d bytes as %s', (bytes, total, text) => expect(formatBytesOf(bytes, total)).toBe(text));
  it.each([
    [2.44, '2.4 ms'],
    [38.2, '38 ms'],
    [290, '290 ms'],
    [1240, '1.2 s'],
    [60_000, '1 min'],
  ])('writes %f ms as %s', (ms, text) => expect(formatDuration(ms)).toBe(unbroken(text)));
  it.each([
    [12, '1 s left'],
    [3200, '4 s left'],
    [98_400, '99 s left'],
    [300_000, '5 min left'],
  ])('writes %f ms that are left as %s', (ms, text) => expect(formatTimeLeft(ms)).toBe(text.replace(' ', '\u00a0')));
  it('may break a line between minutes and seconds', () => expect(formatDuration(125_000)).toBe('2\u00a0min 5\u00a0s'));
  it('writes a day with its year', () => expect(formatDate(new Date(2026, 0, 2, 23, 59))).toBe('2 Jan 2026'));
  it('writes rates and counts', () => {
    expect(formatRate(412.3)).toBe('412');
    expect(formatRate(9.44)).toBe('9.4');
    expect(formatRate(1234)).toBe('1,234');
    expect(withUnit(formatRate(412.3), 'tok/s')).toBe('412\u00a0tok/s');
    expect(formatCount(1, 'chat')).toBe('1 chat');
    expect(formatCount(10, 'chat')).toBe('10 chats');
    expect(formatCount(0, 'network request')).toBe('0 network requests');
  });
});
