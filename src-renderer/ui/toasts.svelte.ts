import { untrack } from 'svelte';
import { announce } from './live-region.svelte.ts';

/** A toast for a completed action that can be undone, or a notice. Errors are shown where they happen. */
export interface Toast {
  id: number;
  /** A notice stays until it is dismissed. */
  kind: 'done' | 'notice';
  text: string;
  detail: string | null;
  undo: (() => void) | null;
  ondismiss: (() => void) | null;
}

/** What keeps a toast on screen: the pointer over it, or the focus in it. */
type ToastHold = 'pointer' | 'focus';

const SHOWN_MS = 8000;
/** Notices that arrive together are announced together: a new announcement would interrupt the previous one. */
const ANNOUNCE_AFTER_MS = 50;

class Toasts {
  list = $state<Toast[]>([]);
  #timers = new Map<number, ReturnType<typeof setTimeout>>();
  /** What each toast is held by. */
  #holds = new Map<number, readonly ToastHold[]>();
  #lastId = 0;
  /** Open dialogs, drawers and menus. */
  #covers = 0;
  #unsaid: string[] = [];

  show(toast: { text: string; detail?: string; undo?: () => void }): void {
    const { text, detail = null, undo = null } = toast;
    const id = this.#add({ kind: 'done', text, detail, undo, ondismiss: null });
    announce(undo ? `${text}. Undo is available.` : text);
    this.#startTimer(id);
  }

  /** A notice, which stays until it is dismissed. */
  notice(text: string, ondismiss: (() => void) | null = null): void {
    this.#add({ kind: 'notice', text, detail: null, undo: null, ondismiss });
    this.#unsaid.push(text);
    if (this.#unsaid.length > 1) return;
    setTimeout(() => announce(this.#unsaid.splice(0).join(' ')), ANNOUNCE_AFTER_MS);
  }

  #add(toast: Omit<Toast, 'id'>): number {
    const id = ++this.#lastId;
    this.list = [...this.list, { ...toast, id }];
    return id;
  }

  dismiss(id: number): void {
    this.#stopTimer(id);
    this.#holds.delete(id);
    this.list.find((toast) => toast.id === id)?.ondismiss?.();
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  undo(id: number): void {
    this.list.find((toast) => toast.id === id)?.undo?.();
    this.dismiss(id);
  }

  /** All toasts stay while something covers them, so that Undo is still there afterwards. @returns releases them */
  hold(): () => void {
    this.#covers++;
    for (const { id } of untrack(() => this.list)) this.#stopTimer(id);
    return () => {
      this.#covers--;
      for (const { id } of this.list) this.#startTimer(id);
    };
  }

  /** A toast stays while something holds it. */
  pause(id: number, by: ToastHold): void {
    this.#holds.set(id, [...this.#othersHolding(id, by), by]);
    this.#stopTimer(id);
  }

  /** It is no longer held by this. Its whole time begins when nothing else holds it. */
  resume(id: number, by: ToastHold): void {
    const others = this.#othersHolding(id, by);
    if (others.length > 0) this.#holds.set(id, others);
    else this.#holds.delete(id);
    this.#startTimer(id);
  }

  #othersHolding(id: number, by: ToastHold): readonly ToastHold[] {
    return (this.#holds.get(id) ?? []).filter((one) => one !== by);
  }

  #stopTimer(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  #startTimer(id: number): void {
    this.#stopTimer(id);
    const isHeld = this.#covers > 0 || this.#holds.has(id);
    if (isHeld || this.list.find((toast) => toast.id === id)?.kind !== 'done') return;
    this.#timers.set(
      id,
      setTimeout(() => this.dismiss(id), SHOWN_MS),
    );
  }
}
export const toasts = new Toasts();
