/** An engine's end of a connection to a GPU, with what passes through it. */
import type { MessageLink } from '../api/platform.ts';
import type { GpuRequest, GpuResponse, RunAnswer } from '../executors/remote/messages.ts';

export interface LinkHooks {
  /** Called after a run was sent. @param number counted from 1 */
  onRun?(number: number): void;
  /** What is received instead of the answer to a run. @param number counted from 1 */
  answer?(message: { type: 'result'; id: number; result: RunAnswer }, number: number): unknown;
}

export class WatchedLink {
  /** Runs that were sent. */
  runs = 0;
  /** Those whose token the run before chose. */
  chosen = 0;
  /** Most runs that were not answered at the same time. */
  most = 0;
  private answers = 0;
  private readonly open = new Set<number>();

  constructor(private readonly hooks: LinkHooks = {}) {}

  /** Runs that are not answered yet. */
  get unanswered(): number {
    return this.open.size;
  }

  around(link: MessageLink): MessageLink {
    return {
      ...link,
      post: (message) => {
        link.post(message);
        const request = message as GpuRequest;
        if (request.type !== 'call' || request.name !== 'run') return;
        this.open.add(request.id);
        this.most = Math.max(this.most, this.open.size);
        if (request.params.isChosen) this.chosen++;
        this.runs++;
        this.hooks.onRun?.(this.runs);
      },
      onMessage: (listener) => link.onMessage((message) => listener(this.received(message as GpuResponse))),
    };
  }

  private received(message: GpuResponse): unknown {
    if (message.type !== 'result' && message.type !== 'error') return message;
    if (!this.open.delete(message.id) || message.type === 'error') return message;
    const answer = { type: message.type, id: message.id, result: message.result as RunAnswer };
    this.answers++;
    return this.hooks.answer ? this.hooks.answer(answer, this.answers) : message;
  }
}
