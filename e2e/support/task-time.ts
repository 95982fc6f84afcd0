import type { RunningApp } from './app.ts';

/** Times of a task, ms. */
export interface TaskTime {
  /** Processor time of the thread: without what other processes, or other computers on the same hardware, took from it. */
  readonly cpu: number;
  /** From its beginning to its end. */
  readonly wall: number;
}

/** In microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** The longest tasks in the main threads of the app's pages during `work`, by each of the two times. */
export async function longestTask(app: RunningApp, work: () => Promise<void>): Promise<TaskTime> {
  const session = await app.context.newCDPSession(app.page);
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', '__metadata'], excludedCategories: ['*'] },
  });
  const complete = new Promise<{ dataLossOccurred: boolean }>((resolve) =>
    session.once('Tracing.tracingComplete', resolve),
  );
  try {
    await work();
  } finally {
    await session.send('Tracing.end');
  }
  const { dataLossOccurred } = await complete;
  await session.detach();
  if (dataLossOccurred) throw new Error('The trace is incomplete.');
  const keyOf = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
  const main = new Set(
    events.filter((event) => event.name === 'thread_name' && event.args?.name === 'CrRendererMain').map(keyOf),
  );
  const tasks = events.filter((event) => event.ph === 'X' && main.has(keyOf(event)));
  if (!tasks.some(({ tdur = 0 }) => tdur > 0)) throw new Error('The trace has no processor times of the page.');
  const most = (times: number[]) => times.reduce((a, b) => Math.max(a, b), 0) / 1000;
  return { cpu: most(tasks.map(({ tdur = 0 }) => tdur)), wall: most(tasks.map(({ dur = 0 }) => dur)) };
}
