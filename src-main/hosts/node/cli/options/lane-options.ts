import { Command, CommanderError } from 'commander';
import { UsageError } from '../errors.ts';
import { addEngineOptions } from './engine-options.ts';
import { addContextOptions, type ReplyOptions } from './reply-options.ts';
import { addSamplingOptions, addStopOptions } from './sampling-options.ts';

/** Settings of a lane as passed with `--lane`. */
export interface LaneFlags {
  /** As written. */
  readonly label: string;
  /** Only those that were passed. */
  readonly given: Readonly<Partial<ReplyOptions>>;
}

/** Flags that exclude each other: if a lane has one of a group, it replaces all of that group. */
const REPLACE_EACH_OTHER: readonly (readonly (keyof ReplyOptions)[])[] = [
  ['grammar', 'grammarFile', 'jsonSchema', 'jsonSchemaFile'],
  ['template', 'templateFile'],
  ['greedy', 'temperature'],
];

/** Flags of `run` that lanes cannot differ in, because they run on one loaded model. */
const FOR_ALL: ReadonlySet<string | undefined> = new Set(
  addEngineOptions(new Command()).options.map(({ long }) => long),
);

/**
 * Parses `greedy` or `top-k=40,seed=1`: the flags of `run` without their dashes. `\,` is a comma within a value.
 * @throws UsageError that names the lane
 */
export function parseLane(label: string): LaneFlags {
  const parts = label.split(/(?<!\\),/).map((part) => part.trimStart().replace(/^-+/, '').replaceAll('\\,', ','));
  const command = laneCommand();
  for (const part of parts) {
    if (part === '') throw wrongLane(label, 'A setting is missing between two commas.');
    const [name] = part.split('=', 1);
    if (FOR_ALL.has(`--${name}`))
      throw wrongLane(label, `All lanes have the same ${name}: pass --${name} outside --lane.`);
    const option = command.options.find(({ long }) => long === `--${name}`);
    if (option === undefined) throw wrongLane(label, `There is no setting "${name}".`);
    if (option.required && part === name) throw wrongLane(label, `"${name}" needs a value.`);
    if (!option.required && part !== name) throw wrongLane(label, `"${name}" takes no value.`);
  }
  try {
    command.parse(
      parts.map((part) => `--${part}`),
      { from: 'user' },
    );
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw wrongLane(label, `${error.message.replace(/^error: /, '').replace(/([^.?)])$/, '$1.')}`);
  }
  const given = Object.entries(command.opts()).filter(([key]) => command.getOptionValueSource(key) === 'cli');
  return { label, given: Object.fromEntries(given) as Partial<ReplyOptions> };
}

/** A lane's settings, together with the flags that apply to all lanes. */
export function laneOptions<T extends ReplyOptions>(common: T, { given }: LaneFlags): T {
  const options = { ...common };
  for (const group of REPLACE_EACH_OTHER) {
    if (group.some((key) => Object.hasOwn(given, key))) for (const key of group) delete options[key];
  }
  return { ...options, ...given };
}

function wrongLane(label: string, reason: string): UsageError {
  return new UsageError(
    `--lane "${label}": ${reason} A lane is "greedy", or settings such as "top-k=40,seed=1" with the names of the flags of "run".`,
  );
}

function laneCommand(): Command {
  const command = new Command().helpOption(false).exitOverride();
  command.configureOutput({ writeErr: () => undefined, outputError: () => undefined });
  addContextOptions(command);
  addSamplingOptions(command);
  return addStopOptions(command);
}
