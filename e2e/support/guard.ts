import type { BrowserContext, Page } from '@playwright/test';

/**
 * Watches for what a page must never do: errors, blocked content, requests to other origins. At the end of a test,
 * `problems()` must be empty.
 */
export class Guard {
  #problems: string[] = [];
  #allowed: RegExp[] = [];
  readonly #origins: string[] = [];

  /** @param origin of the app in this context */
  watch(context: BrowserContext, origin: string): void {
    this.#origins.push(origin);
    context.on('console', (message) => {
      // Blocked content (CSP, trusted types) is a console error too.
      if (message.type() === 'error') this.#add(`console error: ${message.text()}`);
    });
    context.on('weberror', (error) => this.#add(`uncaught error: ${error.error().stack ?? error.error().message}`));
    context.on('request', (request) => this.#checkUrl(request.url()));
    const watchPage = (page: Page) => {
      page.on('crash', () => this.#add('the page crashed'));
      page.on('websocket', (socket) => this.#checkUrl(socket.url()));
    };
    context.on('page', watchPage);
    context.pages().forEach(watchPage);
  }

  /** Allows errors that a test provokes. */
  allow(pattern: RegExp): void {
    this.#allowed.push(pattern);
  }

  problems(): string[] {
    return this.#problems.filter((problem) => !this.#allowed.some((pattern) => pattern.test(problem)));
  }

  /** Clears the problems, so that the next test starts without them. */
  reset(): void {
    this.#problems = [];
    this.#allowed = [];
  }

  #checkUrl(url: string): void {
    const own = this.#origins.some((origin) => url === origin || url.startsWith(`${origin}/`));
    if (!own && !/^(blob|data|about):/.test(url)) this.#add(`request leaves the app: ${url}`);
  }

  #add(problem: string): void {
    this.#problems.push(problem);
  }
}
