import { EngineError } from '../../../../engine/api/errors.ts';
import { stopSentence } from '../../../../protocol/engine/stop-sentence.ts';
import type { CliContext } from '../context.ts';
import { isLoss } from '../engine-session.ts';
import { EXIT, failureOf, type ExitCode } from '../errors.ts';
import { formatStatistics } from '../format/statistics.ts';
import type { Conversation } from './conversation.ts';
import { PipedLines, TerminalLines, type Lines } from './lines.ts';
import { TurnReader } from './turn-reader.ts';

const HELP = `/system TEXT  sets the system prompt; without TEXT, shows the current one
/reset        starts a new conversation, keeping the system prompt
/retry        regenerates the last reply
/exit         quits, like Ctrl-D
//TEXT        sends a message that starts with a slash
"""           starts a message of several lines, and ends it`;

/** Reads turns and answers them until the input ends. */
export class ChatLoop {
  private readonly lines: Lines;
  /** Aborts the current answer. */
  private answering: AbortController | null = null;
  private exitCode: ExitCode = EXIT.ok;

  /** @param statistics shown after every answer */
  constructor(
    private readonly context: CliContext,
    private readonly conversation: Conversation,
    private readonly statistics: boolean,
  ) {
    const { terminal, stdin, signal } = context;
    this.lines = terminal
      ? new TerminalLines(terminal, signal, () => this.interrupted())
      : new PipedLines(stdin, signal);
  }

  /** @returns the exit code: of an error, or of Ctrl-C, when a message from a pipe had no complete answer */
  async run(): Promise<ExitCode> {
    const { context, lines } = this;
    const turns = new TurnReader(lines);
    try {
      for (let turn = await turns.next(); turn !== null && context.out.open; turn = await turns.next()) {
        if (turn.kind === 'message') await this.answer(turn.text);
        else if (['exit', 'quit', 'bye'].includes(turn.name)) break;
        else await this.obey(turn.name, turn.argument);
        if (context.signal.aborted) break;
      }
    } finally {
      lines.close();
    }
    // The shell's next prompt starts on a new line.
    if (context.terminal) await context.err.write('\n');
    return context.signal.aborted ? EXIT.interrupted : this.exitCode;
  }

  /** @param before see `Conversation.ask` */
  private async answer(text: string, before?: number): Promise<void> {
    const { context, conversation } = this;
    const answering = new AbortController();
    this.answering = answering;
    const release = context.onInterrupt?.(() => answering.abort());
    try {
      const signal = AbortSignal.any([context.signal, answering.signal]);
      const { start, end } = await conversation.ask(text, signal, before);
      const { reason } = end.stop;
      if (this.statistics) await context.err.line(formatStatistics(start, end));
      else if (reason !== 'eos') await context.err.line(`(${stopSentence(end.stop)})`);
      if (reason === 'error') this.failed();
      else if (reason === 'user') this.failed(EXIT.interrupted);
    } catch (thrown) {
      if (context.signal.aborted) return;
      if (thrown instanceof EngineError && thrown.code === 'CANCELLED') return this.failed(EXIT.interrupted);
      if (isLoss(thrown) && (await conversation.engineEnded())) throw thrown;
      const { error } = failureOf(thrown);
      await context.err.line(`tokenscope: ${error?.message ?? 'Generation failed.'}`);
      this.failed();
    } finally {
      release?.();
      this.answering = null;
    }
  }

  private async obey(name: string, argument: string): Promise<void> {
    const { conversation } = this;
    const { err } = this.context;
    switch (name) {
      case 'help':
        return err.line(HELP);
      case 'reset':
        conversation.reset();
        return err.line('Conversation cleared.');
      case 'system':
        if (argument !== '') conversation.system = argument;
        return err.line(conversation.system === null ? 'There is no system prompt.' : `System: ${conversation.system}`);
      case 'retry': {
        const last = conversation.lastQuestion();
        return last === null ? err.line('There is nothing to answer yet.') : this.answer(last.text, last.before);
      }
      default:
        await err.line(`Unknown command /${name}. /help lists all commands.`);
        this.failed();
    }
  }

  /** In a terminal this is visible and the chat continues; a script gets an exit code at the end, an error's if any. */
  private failed(code: ExitCode = EXIT.engineError): void {
    if (!this.context.terminal && this.exitCode !== EXIT.engineError) this.exitCode = code;
  }

  private interrupted(): void {
    if (this.answering !== null) this.answering.abort();
    else void this.context.err.line('\nPress Ctrl-D or type /exit to quit.').then(() => this.lines.prompt?.());
  }
}
