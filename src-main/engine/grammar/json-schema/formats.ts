import type { Expression } from '../expression.ts';
import { patternText } from './pattern.ts';

const MONTHS_OF_31 = '(?:0[13578]|1[02])';
const MONTHS_OF_30 = '(?:0[469]|11)';
const LEAP_YEAR = '(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)';
const DATE =
  `(?:\\d{4}-(?:${MONTHS_OF_31}-(?:0[1-9]|[12]\\d|3[01])|${MONTHS_OF_30}-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))` +
  `|${LEAP_YEAR}-02-29)`;
const HOURS_AND_MINUTES = '(?:[01]\\d|2[0-3]):[0-5]\\d';
/** RFC 3339's full-time: with a zone. No leap seconds. */
const TIME = `${HOURS_AND_MINUTES}:[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-]${HOURS_AND_MINUTES})`;

/** String formats as patterns. */
const FORMATS = new Map<string, string>([
  ['date', DATE],
  ['time', TIME],
  ['date-time', `${DATE}T${TIME}`],
  ['uuid', '[\\da-fA-F]{8}-[\\da-fA-F]{4}-[\\da-fA-F]{4}-[\\da-fA-F]{4}-[\\da-fA-F]{12}'],
]);

export const FORMAT_NAMES = [...FORMATS.keys()];

/** The content of a JSON string of that format; null when the format is unknown. */
export function formatText(format: string): Expression | null {
  const pattern = FORMATS.get(format);
  return pattern === undefined ? null : patternText(`^${pattern}$`);
}
