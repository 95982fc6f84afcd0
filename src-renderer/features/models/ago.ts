import { formatCount, formatDate } from '../../ui/format.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A relative time: `just now`, `5 minutes ago`, `yesterday`; a date if it is longer ago. */
export function agoText(iso: string, now: Date): string {
  const then = new Date(iso);
  const ms = now.getTime() - then.getTime();
  if (ms < MINUTE) return 'just now';
  if (ms < HOUR) return `${formatCount(Math.floor(ms / MINUTE), 'minute')} ago`;
  if (ms < DAY) return `${formatCount(Math.floor(ms / HOUR), 'hour')} ago`;
  if (ms < 2 * DAY) return 'yesterday';
  if (ms < 14 * DAY) return `${Math.floor(ms / DAY)} days ago`;
  return formatDate(then);
}
