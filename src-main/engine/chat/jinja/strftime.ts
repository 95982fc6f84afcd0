import { spendSteps } from './budget.ts';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** C's `strftime` in the C locale and local time; unknown codes are left unchanged. */
export function strftime(date: Date, format: string): string {
  return format.replaceAll(/%(-?)([A-Za-z%])/g, (all, minus: string, code: string) => {
    spendSteps();
    const shown = field(date, code);
    if (shown === null) return all;
    return minus === '-' ? shown.replace(/^0+(?=\d)/, '') : shown;
  });
}

function field(date: Date, code: string): string | null {
  const two = (value: number) => String(value).padStart(2, '0');
  const hour12 = date.getHours() % 12 || 12;
  switch (code) {
    case 'Y':
      return String(date.getFullYear());
    case 'y':
      return two(date.getFullYear() % 100);
    case 'm':
      return two(date.getMonth() + 1);
    case 'B':
      return MONTHS[date.getMonth()];
    case 'b':
    case 'h':
      return MONTHS[date.getMonth()].slice(0, 3);
    case 'd':
      return two(date.getDate());
    case 'e':
      return String(date.getDate()).padStart(2, ' ');
    case 'A':
      return DAYS[date.getDay()];
    case 'a':
      return DAYS[date.getDay()].slice(0, 3);
    case 'w':
      return String(date.getDay());
    case 'j':
      return String(dayOfYear(date)).padStart(3, '0');
    case 'H':
      return two(date.getHours());
    case 'I':
      return two(hour12);
    case 'M':
      return two(date.getMinutes());
    case 'S':
      return two(date.getSeconds());
    case 'p':
      return date.getHours() < 12 ? 'AM' : 'PM';
    case 'F':
      return strftime(date, '%Y-%m-%d');
    case 'T':
      return strftime(date, '%H:%M:%S');
    case 'D':
      return strftime(date, '%m/%d/%y');
    case '%':
      return '%';
    default:
      return null;
  }
}

function dayOfYear(date: Date): number {
  const day = (at: Date) => Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) / 86_400_000;
  return day(date) - day(new Date(date.getFullYear(), 0, 1)) + 1;
}
