import type { ComparedLane, Comparison } from '../compare/compared-lane.ts';
import { formatCount } from './numbers.ts';
import { formatTable, type Column } from './table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'lane' },
  { title: 'seed', align: 'right' },
  { title: 'stop' },
  { title: 'tokens', align: 'right' },
  { title: 'tok/s', align: 'right' },
  { title: 'perplexity', align: 'right' },
  { title: 'bits/token', align: 'right' },
  { title: 'distinct-1', align: 'right' },
  { title: 'distinct-2', align: 'right' },
  { title: 'differs at', align: 'right' },
];

/** A table of the lanes, a table of the spread if lanes have several samples, and the prefill. */
export function formatComparison({ lanes, prefill }: Pick<Comparison, 'lanes' | 'prefill'>): string {
  const rows = lanes.map((lane, index) => [
    laneTitle(lane, lanes),
    String(lane.seed),
    lane.end.stop.reason,
    String(lane.end.ids.length),
    decimals(lane.end.timings.decodeTokensPerSecond, 1),
    decimals(lane.perplexity, 2),
    decimals(lane.meanSurprisal, 2),
    decimals(lane.distinct1, 2),
    decimals(lane.distinct2, 2),
    index === 0 ? '' : lane.divergesAt === null ? 'equal' : String(lane.divergesAt),
  ]);
  const prompt = `Prompt: ${formatCount(prefill.computedTokens, 'token')} computed for all lanes, ${prefill.reusedTokens} reused.`;
  return [formatTable(COLUMNS, rows), ...formatSpread(lanes), prompt].join('\n\n');
}

/** A lane's settings, and the number of the sample if there are several. */
export function laneTitle(
  { label, sample }: Pick<ComparedLane, 'label' | 'sample'>,
  all: readonly Pick<ComparedLane, 'sample'>[],
): string {
  return all.some((other) => other.sample > 1) ? `${label} #${sample}` : label;
}

/** Mean and range of each lane's samples. */
function formatSpread(lanes: readonly ComparedLane[]): string[] {
  if (lanes.every(({ sample }) => sample === 1)) return [];
  const columns: Column[] = [
    { title: 'lane' },
    ...['samples', 'different', 'tokens', 'perplexity', 'bits/token'].map((title): Column => ({
      title,
      align: 'right',
    })),
  ];
  const labels = [...new Set(lanes.map(({ label }) => label))];
  const rows = labels.map((label) => {
    const samples = lanes.filter((lane) => lane.label === label);
    return [
      label,
      String(samples.length),
      String(new Set(samples.map(({ end }) => end.ids.join())).size),
      spread(
        samples.map(({ end }) => end.ids.length),
        0,
      ),
      spread(
        samples.map(({ perplexity }) => perplexity),
        2,
      ),
      spread(
        samples.map(({ meanSurprisal }) => meanSurprisal),
        2,
      ),
    ];
  });
  return [formatTable(columns, rows)];
}

/** `12.5 (10.0 to 14.0)`: mean and range. */
function spread(values: readonly (number | null)[], digits: number): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return '–';
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const [least, most] = [Math.min(...known), Math.max(...known)];
  return `${mean.toFixed(Math.max(1, digits))} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}

function decimals(value: number | null, digits: number): string {
  return value === null ? '–' : value.toFixed(digits);
}
