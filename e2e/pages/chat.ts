import { expect, type Locator, type Page } from '@playwright/test';

/** Guards against hanging: a busy machine takes many seconds to load a model or to reply, ms. */
const TIMEOUT_MS = 30_000;

/** Actions and views of the chat page, so that specs read like what they test. */
export class ChatPage {
  /**
   * @param polling how often a condition is checked: in every frame, or after so many ms. Checking in every frame makes
   * the page draw every frame, which takes time from what is measured.
   */
  constructor(
    readonly page: Page,
    private readonly polling: number | 'raf' = 'raf',
  ) {}

  readonly id = (testId: string): Locator => this.page.getByTestId(testId);

  get replies(): Locator {
    return this.id('reply');
  }
  get lastReply(): Locator {
    return this.replies.last();
  }
  get lastText(): Locator {
    return this.lastReply.getByTestId('reply-text');
  }
  get lastStop(): Locator {
    return this.lastReply.getByTestId('stop-reason');
  }

  /** Resolves when the engine has its model and the composer accepts text. */
  async ready(): Promise<void> {
    await this.#until(() => document.querySelector('[data-testid="engine-state"][data-state="ready"]') !== null);
    await expect(this.id('composer')).toBeEditable();
  }

  /** As `ready`, with a limit that ends replies soon. */
  async readyForShortReplies(): Promise<this> {
    await this.ready();
    await this.openPanel('stop');
    await this.set('maxTokens', 6);
    return this;
  }

  /** Starts a chat; its composer takes the focus, which must not disturb later typing. */
  async newChat(): Promise<void> {
    await this.id('new-chat').click();
    await expect(this.id('composer')).toBeFocused();
  }

  async send(text: string): Promise<void> {
    await this.id('composer').fill(text);
    await this.id('send').click();
  }

  /** Sends `text` and returns the finished reply's text and stop reason. */
  async ask(text: string): Promise<{ text: string; reason: string | null }> {
    const before = await this.replies.count();
    await this.send(text);
    await this.#until((count) => document.querySelectorAll('[data-testid="reply"]').length > count, before);
    return this.finished();
  }

  /** Waits until the last reply has ended. @param timeout ms */
  async finished(timeout = TIMEOUT_MS): Promise<{ text: string; reason: string | null }> {
    const hasEnded = () => {
      const reply = [...document.querySelectorAll('[data-testid="reply"]')].at(-1);
      const isFormatting = reply?.querySelector('[data-testid="reply-text"] [aria-busy="true"]') != null;
      return !isFormatting && Boolean(reply?.querySelector('[data-testid="stop-reason"]')?.getAttribute('data-reason'));
    };
    await this.#until(hasEnded, 0, timeout);
    return {
      text: (await this.lastText.textContent())?.trim() ?? '',
      reason: await this.lastStop.getAttribute('data-reason'),
    };
  }

  /** Checks often, where an assertion would check again after half a second or more. */
  async #until(isMet: (value: number) => boolean, value = 0, timeout = TIMEOUT_MS): Promise<void> {
    await this.page.waitForFunction(isMet, value, { timeout, polling: this.polling });
  }

  /** Chooses from the menu of a chat in the list. */
  async chatMenu(row: Locator, item: string): Promise<void> {
    await row.hover();
    await this.page.locator('li', { has: row }).getByTestId('chat-menu').click();
    await this.id(item).click();
  }

  /** Chooses from the menu of a message or a reply. */
  async turnMenu(turn: Locator, item: string): Promise<void> {
    await turn.hover();
    await turn.getByTestId(/^(user|reply)-menu$/).click();
    await this.id(item).click();
  }

  /** The sampling panel is shown with all its settings. */
  async openPanel(tab: 'sampling' | 'stop' | 'prompt' | 'context' | 'rate'): Promise<void> {
    const button = this.id(`panel-tab-${tab}`);
    if (!(await button.isVisible())) await this.id('panel-toggle').click();
    await button.click();
    if (tab !== 'sampling') return;
    const chain = this.id('full-chain');
    if ((await chain.getAttribute('aria-expanded')) === 'false') await chain.click();
  }

  /** Sets a number, text or switch of the panels. */
  async set(setting: string, value: string | number | boolean): Promise<void> {
    const control = this.id(`setting-${setting}`);
    if (typeof value === 'boolean') {
      const on = (await control.getAttribute('aria-checked')) ?? String(await control.isChecked());
      if (on !== String(value)) await control.click();
      return;
    }
    await control.fill(String(value));
    await control.press('Enter');
  }

  /** The stages of the sampler chain, in their order. */
  async chain(): Promise<(string | null)[]> {
    const stages = await this.id('stage').all();
    return Promise.all(stages.map((stage) => stage.getAttribute('data-stage')));
  }

  /** The first card of a stage. */
  stage(name: string): Locator {
    return this.page.locator(`[data-testid="stage"][data-stage="${name}"]`).first();
  }
  grip(name: string): Locator {
    return this.stage(name).getByTestId('stage-grip');
  }

  /** Chooses from a stage's menu. */
  async stageMenu(name: string, item: string): Promise<void> {
    await this.stage(name).getByTestId('stage-menu').click();
    await this.id(item).click();
  }

  /** Greedy decoding to the model's own end: the same text everywhere. */
  async greedy(): Promise<void> {
    await this.openPanel('sampling');
    await this.set('greedy', true);
  }

  /** A reply that only a person stops: no end token, no limit within reach, no repetition stop, no cache. */
  async endless(): Promise<void> {
    await this.openPanel('stop');
    await this.set('ignoreEos', true);
    await this.set('maxTokens', 2000);
    await this.set('repetitionWindow', 0);
    await this.openPanel('context');
    await this.set('useKvCache', false);
  }
}
