import { workerUrl } from '../../../lib/trusted-url.ts';
import type { HighlightSpan, MathElement, ParsedText, ParseRequest } from '../tree.ts';

/** What the Worker does. */
export interface WorkerTasks {
  parse: { params: ParseRequest; result: ParsedText & { ms: number } };
  /** Null for an unknown language. */
  highlight: { params: { code: string; language: string }; result: HighlightSpan[] | null };
  /** Null if it is not valid TeX. */
  maths: { params: { tex: string; display: boolean }; result: MathElement | null };
}
export type WorkerTask = keyof WorkerTasks;
export type TaskMessage = { [T in WorkerTask]: { task: T; params: WorkerTasks[T]['params'] } }[WorkerTask];
export type TaskAnswer = { result: unknown } | { error: string };

export interface MarkdownParser {
  /** @throws Error if it failed or took too long */
  run<T extends WorkerTask>(task: T, params: WorkerTasks[T]['params']): Promise<WorkerTasks[T]['result']>;
}

/** A task that takes longer is given up, ms. Parsing as much text as is sent takes a hundredth of it. */
const TIMEOUT_MS = 5000;
/** The first task also loads the Worker. */
const FIRST_TIMEOUT_MS = 20_000;

interface Job {
  message: TaskMessage;
  resolve: (result: never) => void;
  reject: (error: Error) => void;
}

/** Runs tasks in a Worker, one at a time. The Worker starts with the first task, and again after one that took too long. */
class ParserClient implements MarkdownParser {
  #worker: Worker | null = null;
  #isNew = true;
  readonly #jobs: Job[] = [];
  #running: Job | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  run<T extends WorkerTask>(task: T, params: WorkerTasks[T]['params']): Promise<WorkerTasks[T]['result']> {
    return new Promise((resolve, reject) => {
      const job = { message: { task, params } as TaskMessage, resolve, reject };
      // Text comes before its decoration.
      const later = task === 'parse' ? this.#jobs.findIndex(({ message }) => message.task !== 'parse') : -1;
      if (later >= 0) this.#jobs.splice(later, 0, job);
      else this.#jobs.push(job);
      this.#next();
    });
  }

  #next(): void {
    if (this.#running !== null) return;
    const job = this.#jobs.shift();
    if (job === undefined) return;
    this.#running = job;
    this.#worker ??= this.#start();
    this.#timer = setTimeout(() => this.#fail('took too long'), this.#isNew ? FIRST_TIMEOUT_MS : TIMEOUT_MS);
    this.#worker.postMessage(job.message);
  }

  #start(): Worker {
    const worker = new Worker(workerUrl('markdown.worker.js'), { type: 'module', name: 'markdown' });
    this.#isNew = true;
    worker.onmessage = ({ data }: MessageEvent<TaskAnswer>) => {
      this.#isNew = false;
      const job = this.#end();
      if ('error' in data) job?.reject(new Error(data.error));
      // The Worker answers with the kind of result that the job asked for.
      else job?.resolve(data.result as never);
      this.#next();
    };
    worker.onerror = () => this.#fail('could not run');
    return worker;
  }

  #fail(why: string): void {
    this.#worker?.terminate();
    this.#worker = null;
    const job = this.#end();
    job?.reject(new Error(`The Markdown parser ${why}.`));
    this.#next();
  }

  #end(): Job | null {
    clearTimeout(this.#timer);
    const job = this.#running;
    this.#running = null;
    return job;
  }
}

/** The page's only one. */
export const markdownParser: MarkdownParser = new ParserClient();
