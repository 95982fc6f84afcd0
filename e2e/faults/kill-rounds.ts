/**
 * Kills the app while a chat is being generated, regenerated and edited, starts it again, and compares what was shown
 * with what was saved. Used by `kills.spec.ts` (a few kills) and `run-kills.ts` (hundreds).
 */
import type { Locator } from '@playwright/test';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StoredChat } from '../../src-main/protocol/app/chats/chat.ts';
import { ChatPage } from '../pages/chat.ts';
import type { RunningApp } from '../support/app.ts';

/** `app`: Electron's main process, or the web host; `engine`: the utility process, or the browser's worker. */
export type Victim = 'app' | 'engine';

export interface KillResult {
  victim: Victim;
  action: Action;
  /** Whether a reply was being generated at that moment. */
  midReply: boolean;
  /** Age of the newest text that was shown but not saved, ms; 0 if everything was saved. */
  lostMs: number;
  /** What must never happen: unreadable or missing chats, changed turns. */
  problems: string[];
}

type Action = 'send' | 'regenerate' | 'edit' | 'new chat';

interface Shown {
  /** By the system’s clock, which the page has too, ms. */
  at: number;
  text: string;
}

/** Maximum loss when everything is killed: the text of the last second. */
export const MAX_LOST_MS = 1000;
const LONGEST_LIFE_MS = 3000;
/** A chat that was started this long before the kill must exist. */
const CHAT_KEPT_AFTER_MS = 1000;
const PROMPTS = ['Once upon a time', 'The cat sat on the', 'Hello world', 'One day, a little girl named Lily'];

export class KillRounds {
  readonly #app: RunningApp;
  readonly #random: () => number;
  readonly #longestLifeMs: number;
  /** Saved texts of turns seen so far, by chat and turn. */
  readonly #kept = new Map<string, Map<string, string>>();
  #prepared = false;

  constructor(app: RunningApp, random: () => number, longestLifeMs = LONGEST_LIFE_MS) {
    this.#app = app;
    this.#random = random;
    this.#longestLifeMs = longestLifeMs;
  }

  async round(victim: Victim): Promise<KillResult> {
    const chat = new ChatPage(this.#app.page);
    await this.#ready(chat);
    if (!this.#prepared) await this.#prepare(chat);
    await this.#openSomeChat(chat);
    const action = await this.#act(chat);
    const { shown, begun, killedAt, midReply } = await this.#watchAndKill(chat, victim);
    if (victim === 'engine') {
      await this.#ready(new ChatPage(this.#app.page));
      // A page that survived its engine saves within half a second.
      await sleep(700);
    }
    const { chats, problems } = await this.#readAll();
    if (action !== 'edit' && killedAt - begun > CHAT_KEPT_AFTER_MS && chats.length === 0)
      problems.push('no chat is left');
    return { victim, action, midReply, lostMs: lostOf(shown, killedAt, chats), problems };
  }

  /** After several crashes in a row, the app restarts the engine only when a person asks for it. */
  async #ready(chat: ChatPage): Promise<void> {
    await chat.ready().catch(async () => {
      await chat.page.getByRole('button', { name: 'Engine stopped. Restart' }).click();
      await chat.ready();
    });
  }

  /** Starts replies that continue until they are killed. */
  async #prepare(chat: ChatPage): Promise<void> {
    await chat.openPanel('stop');
    await chat.set('ignoreEos', true);
    await chat.set('maxTokens', 20_000);
    await chat.set('repetitionWindow', 0);
    // As it is stored: a formatted reply does not show the marks of Markdown.
    await this.#app.services.invoke('settingsSet', { whenFull: 'shift', rawReplies: true });
    this.#prepared = true;
  }

  async #openSomeChat(chat: ChatPage): Promise<void> {
    const items = chat.id('chat-item');
    const count = await items.count();
    if (count === 0) return;
    // By its id: the list may be re-rendered meanwhile.
    const id = await items.nth(Math.floor(this.#random() * count)).getAttribute('data-chat-id');
    const row = `[data-chat-id="${id}"]`;
    await chat.page.locator(row).click();
    // Text typed too early would become the draft of the previous chat.
    await chat.page.waitForFunction((chosen) => document.querySelector(`${chosen}[aria-current="true"]`) !== null, row);
  }

  async #act(chat: ChatPage): Promise<Action> {
    const prompt = PROMPTS[Math.floor(this.#random() * PROMPTS.length)]!;
    const choice = this.#random();
    const regenerate = chat.lastReply.getByTestId('regenerate');
    // The chat chosen by the click may replace the one whose button was visible.
    if (choice < 0.3 && (await clicked(regenerate))) return 'regenerate';
    if (choice < 0.5 && (await this.#edit(prompt))) return 'edit';
    if (choice < 0.65) {
      await chat.newChat();
      await chat.send(prompt);
      return 'new chat';
    }
    await chat.send(prompt);
    return 'send';
  }

  /** Adds a version of the last user turn of a chat, like an editor. */
  async #edit(text: string): Promise<boolean> {
    const summary = (await this.#app.services.invoke('chatsList'))[0];
    const chat = summary === undefined ? null : await this.#app.services.invoke('chatGet', summary.id);
    const turn = chat?.turns.findLast(({ role }) => role === 'user');
    if (!chat || !turn) return false;
    const at = new Date().toISOString();
    const id = randomUUID();
    await this.#app.services.invoke('chatWrite', {
      id: chat.id,
      base: chat.revision,
      origin: 'kill-test',
      events: [
        { type: 'turn', at, turn: { id, parent: turn.parent, role: 'user', text, createdAt: at } },
        { type: 'facts', at, facts: { head: id } },
      ],
      details: [],
    });
    return true;
  }

  async #watchAndKill(
    chat: ChatPage,
    victim: Victim,
  ): Promise<{ shown: Shown[]; begun: number; killedAt: number; midReply: boolean }> {
    const begun = Date.now();
    const end = begun + this.#random() * this.#longestLifeMs;
    const shown: Shown[] = [];
    let midReply = false;
    while (Date.now() < end) {
      const state = await chat.page.evaluate(() => {
        const reply = [...document.querySelectorAll('[data-testid="reply"]')].at(-1);
        const text = reply?.querySelector('[data-testid="reply-text"]')?.textContent ?? '';
        // A busy page answers late, so it says when it looked.
        return { at: Date.now(), text, running: reply?.getAttribute('aria-busy') === 'true' };
      });
      midReply = state.running;
      shown.push({ at: state.at, text: bare(state.text) });
      await sleep(Math.min(60, Math.max(0, end - Date.now())));
    }
    const killedAt = Date.now();
    if (victim === 'app') await this.#app.crash();
    else await this.#app.killEngine();
    return { shown, begun, killedAt, midReply };
  }

  /** Reads every chat and checks that what was saved before is still there. */
  async #readAll(): Promise<{ chats: StoredChat[]; problems: string[] }> {
    const problems: string[] = [];
    const chats: StoredChat[] = [];
    for (const { id } of await this.#app.services.invoke('chatsList')) {
      try {
        const chat = await this.#app.services.invoke('chatGet', id);
        if (chat === null) problems.push(`chat ${id} is listed and not there`);
        else chats.push(chat);
      } catch (error) {
        problems.push(`chat ${id} cannot be read: ${String(error)}`);
      }
    }
    for (const [id, turns] of this.#kept) {
      const chat = chats.find((one) => one.id === id);
      if (chat === undefined) {
        problems.push(`chat ${id} is gone`);
        continue;
      }
      for (const [turnId, text] of turns) {
        const turn = chat.turns.find((one) => one.id === turnId);
        if (!turn?.text.startsWith(text)) problems.push(`turn ${turnId} of chat ${id} lost text`);
      }
    }
    for (const chat of chats) this.#kept.set(chat.id, new Map(chat.turns.map((turn) => [turn.id, turn.text])));
    return { chats, problems };
  }
}

/** Whether a button was there to be clicked. */
async function clicked(button: Locator): Promise<boolean> {
  return await button.click({ timeout: 1000 }).then(
    () => true,
    () => false,
  );
}

/** Removes white space, because wrapping and layout are not compared. */
function bare(text: string): string {
  return text.replaceAll(/\s+/g, '');
}

/** @returns age at the kill of the newest text that is not in any stored reply, ms */
function lostOf(shown: readonly Shown[], killedAt: number, chats: readonly StoredChat[]): number {
  const stored = chats.flatMap(({ turns }) => turns.map(({ text }) => bare(text)));
  // Texts only grow: the first one that was not saved determines the loss.
  const lost = shown.find(({ text }) => text !== '' && !stored.some((kept) => kept.startsWith(text)));
  return lost === undefined ? 0 : killedAt - lost.at;
}

/** Reproducible random numbers in [0, 1) (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
