import { InvalidArgumentError, type Command } from 'commander';
import { randomInt } from 'node:crypto';
import { MAX_LANES } from '../../../../engine/api/defaults.ts';
import { stopSentence } from '../../../../protocol/engine/stop-sentence.ts';
import { compareLanes, type ComparedLane, type Comparison, type PlannedLane } from '../compare/compared-lane.ts';
import { LaneBlocks } from '../compare/lane-blocks.ts';
import { columnWidth, LaneColumns } from '../compare/lane-columns.ts';
import type { LaneView } from '../compare/lane-view.ts';
import type { CliContext } from '../context.ts';
import { withEngine, type EngineSession } from '../engine-session.ts';
import { EXIT, UsageError, type ExitCode } from '../errors.ts';
import { formatComparison, laneTitle } from '../format/comparison.ts';
import { addEngineOptions, loadOptions, type EngineOptions } from '../options/engine-options.ts';
import { laneOptions, parseLane, type LaneFlags } from '../options/lane-options.ts';
import { givenOn, withModelDefaults } from '../options/model-defaults.ts';
import { readPromptSource, type PromptSource } from '../options/prompt-source.ts';
import { addContextOptions, generateParams, type ReplyOptions } from '../options/reply-options.ts';
import { addSamplingOptions, addStopOptions } from '../options/sampling-options.ts';
import { addPromptOptions, type PromptOptions } from '../options/text-input.ts';
import { collect, parseCount } from '../options/values.ts';

interface CompareOptions extends EngineOptions, PromptOptions, ReplyOptions {
  chat?: true;
  lane?: string[];
  samples: number;
  json?: true;
}

/** From predictable to varied, each with one setting over the defaults of `run`, among which is top-k 40. */
const DEFAULT_LANES = ['greedy', 'top-k=40', 'temperature=0.7', 'temperature=1.5'];
const MAX_SAMPLES = 100;
const SEEDS = 2 ** 32;

export function addCompareCommand(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  const command = program
    .command('compare')
    .summary('continue a text with several settings, side by side')
    .description(
      'Generates several replies to one text as one batch, and compares them. Each --lane adds a lane with its own ' +
        'settings; flags outside --lane apply to all lanes. Ctrl-C stops all lanes and keeps what was generated.',
    )
    .argument('[prompt]', 'the text to continue, or the question with --chat; "-" reads standard input');
  addEngineOptions(command)
    .option(
      '--lane <settings>',
      `settings of a lane: greedy, or for example top-k=40,seed=1 (default: ${DEFAULT_LANES.join(' | ')}); repeatable`,
      collect(String),
    )
    .option('--samples <n>', 'replies per lane, each with a different seed', parseSamples, 1)
    .option('--chat', 'treat the text as a user message, in the model’s chat template')
    .option('--json', 'print one JSON object at the end instead of text');
  addContextOptions(command);
  addPromptOptions(command);
  addSamplingOptions(command);
  addStopOptions(command);
  command.action(async (prompt: string | undefined, options: CompareOptions) => {
    const lanes = (options.lane ?? DEFAULT_LANES).map(parseLane);
    if (lanes.length > MAX_LANES) throw new UsageError(`At most ${MAX_LANES} lanes are possible, not ${lanes.length}.`);
    const source = await readPromptSource(context, prompt, options);
    // Reports wrong settings before the model is loaded.
    for (const lane of lanes) generateParams(source, laneOptions(options, lane));
    const work = (session: EngineSession) => {
      const planned = planLanes(lanes, source, options, session, givenOn(command));
      return compare(context, session, planned, options);
    };
    done(await withEngine(context, options.model, work, loadOptions(options)));
  });
}

interface Planned {
  lanes: PlannedLane[];
  notices: string[];
}

/** Lanes without a seed share one, so that only their settings differ. Samples use the seeds after it. */
function planLanes(
  lanes: readonly LaneFlags[],
  source: PromptSource,
  common: CompareOptions,
  { model }: EngineSession,
  isGiven: (key: string) => boolean,
): Planned {
  const anySeed = randomInt(SEEDS);
  const notices = new Set<string>();
  const planned = lanes.flatMap((lane) => {
    const options = laneOptions(common, lane);
    const params = generateParams(source, options);
    const inLane = (key: string) => Object.hasOwn(lane.given, key) || (Object.hasOwn(options, key) && isGiven(key));
    const defaults = withModelDefaults(params.sampling, model.samplingDefaults, inLane);
    for (const notice of defaults.notices) notices.add(notice);
    const { sampling } = defaults;
    return Array.from({ length: common.samples }, (_, i): PlannedLane => {
      const seed = ((sampling.seed ?? anySeed) + i) % SEEDS;
      return { label: lane.label, sample: i + 1, seed, params: { ...params, sampling: { ...sampling, seed } } };
    });
  });
  return { lanes: planned, notices: [...notices] };
}

async function compare(
  context: CliContext,
  { client, model }: EngineSession,
  { lanes, notices }: Planned,
  options: CompareOptions,
): Promise<ExitCode> {
  const note = async (texts: readonly string[]) => {
    if (!options.json) for (const text of texts) await context.err.line(`Note: ${text}`);
  };
  await note(notices);
  const show = (batch: readonly PlannedLane[]) => (options.json ? null : viewOf(context, batch, lanes));
  const comparison = await compareLanes(client, lanes, context.signal, show);
  const fromStarts = comparison.lanes.flatMap(({ start }) => start?.notices ?? []);
  const fromLanes = [...new Set([...fromStarts, ...comparison.notices])];
  await note(fromLanes);
  const all = [...notices, ...fromLanes];
  if (options.json) await context.out.json({ model: model.id, ...comparisonJson(comparison), ...noticesJson(all) });
  else if (context.out.open) await context.out.line(`\n${formatComparison(comparison)}`);
  return exitCodeOf(comparison.lanes, context.signal);
}

function viewOf({ out, columns }: CliContext, batch: readonly PlannedLane[], all: readonly PlannedLane[]): LaneView {
  const titles = batch.map((lane) => laneTitle(lane, all));
  const width = columnWidth(batch.length, columns);
  return width === null ? new LaneBlocks(out, titles, batch[0] !== all[0]) : new LaneColumns(out, width, titles);
}

function comparisonJson({ lanes, prefill }: Comparison) {
  const first = lanes.find(({ start }) => start !== null)?.start ?? null;
  return {
    executor: first?.executor ?? null,
    prompt: { ids: first?.promptIds ?? [] },
    prefilledTokens: prefill.computedTokens,
    reusedTokens: prefill.reusedTokens,
    lanes: lanes.map((lane) => laneJson(lane, first?.promptIds)),
  };
}

/** @param shared ids of the first lane's prompt, which are not repeated for lanes with the same prompt */
function laneJson(lane: ComparedLane, shared: readonly number[] = []) {
  const { label, sample, seed, start, end } = lane;
  const ids = start?.promptIds ?? shared;
  return {
    label,
    sample,
    seed,
    ...(ids.join() === shared.join() ? {} : { prompt: { ids } }),
    reply: { ids: end.ids, text: end.text },
    stop: { reason: end.stop.reason, detail: stopSentence(end.stop) },
    divergesAt: lane.divergesAt,
    perplexity: lane.perplexity,
    meanSurprisal: lane.meanSurprisal,
    distinct1: lane.distinct1,
    distinct2: lane.distinct2,
    decodeTokensPerSecond: end.timings.decodeTokensPerSecond,
    timings: end.timings,
  };
}

function noticesJson(notices: readonly string[]): { notices?: readonly string[] } {
  return notices.length === 0 ? {} : { notices };
}

function exitCodeOf(lanes: readonly ComparedLane[], signal: AbortSignal): ExitCode {
  if (signal.aborted) return EXIT.interrupted;
  return lanes.some(({ end }) => end.stop.reason === 'error') ? EXIT.engineError : EXIT.ok;
}

function parseSamples(text: string): number {
  const count = parseCount(text);
  if (count >= 1 && count <= MAX_SAMPLES) return count;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${MAX_SAMPLES}.`);
}
