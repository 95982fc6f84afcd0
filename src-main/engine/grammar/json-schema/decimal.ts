/** A number as it is written, which a float64 may not hold: too many digits, or too large. */
export interface Decimal {
  /** As JSON: the usual text if a float64 has the same value, else as in the source. */
  readonly text: string;
  /** The same for equal numbers: digits without zeros at their ends, and the power of ten of the last one. */
  readonly canonical: string;
  readonly isInteger: boolean;
}

const PARTS = /^(-?)(\d+)(?:\.(\d+))?(?:e(.+))?$/i;

/** @param literal a JSON number */
export function decimalOf(literal: string): Decimal {
  const { canonical, isInteger } = read(literal);
  const usual = JSON.stringify(Number(literal));
  const isExact = usual !== 'null' && read(usual).canonical === canonical;
  return { text: isExact ? usual : literal, canonical, isInteger };
}

function read(literal: string): Omit<Decimal, 'text'> {
  const [, sign, whole, fraction = '', exponent = '0'] = PARTS.exec(literal)!;
  const digits = (whole + fraction).replace(/^0+/, '');
  let end = digits.length;
  while (end > 0 && digits[end - 1] === '0') end--;
  if (end === 0) return { canonical: '0', isInteger: true };
  const power = BigInt(exponent) + BigInt(digits.length - end - fraction.length);
  return { canonical: `${sign}${digits.slice(0, end)}e${power}`, isInteger: power >= 0n };
}
