/**
 * Versions of what was generated at one place. A generation that replaces tokens of another one, from one of them on, is
 * a version of that part (`ReplyFacts.branch`). All versions stay in the notebook; one of them is in the text.
 */
import type { Reply } from '../../chat/state/reply.svelte.ts';
import type { NotebookToken } from './token-runs.ts';

/** Token `index` of a reply: what other versions replace from there on. */
export interface Place {
  readonly reply: Reply;
  readonly index: number;
}

export interface Fork {
  readonly place: Place;
  /** The replaced reply itself, and those that replace it, oldest first. */
  readonly versions: readonly Reply[];
  /** Which one is in the text. */
  readonly shown: Reply;
}

type Replies = readonly Reply[];

/** Where a reply begins. One that replaces all of another begins where that one does. */
export function placeOf(reply: Reply, replies: Replies): Place {
  let at = reply;
  // A file from elsewhere may have a loop.
  for (let steps = 0; steps <= replies.length; steps++) {
    const { branch } = at.facts;
    const source = branch === undefined ? undefined : replies.find(({ id }) => id === branch.turn);
    if (branch === undefined || source === undefined) break;
    if (branch.index > 0) return { reply: source, index: branch.index };
    at = source;
  }
  return { reply: at, index: 0 };
}

/** The last fork at or before a token, in what was generated there; null if there is only one version. */
export function forkAt({ reply, index }: Place, replies: Replies): Fork | null {
  const inside = replies.map((one) => placeOf(one, replies)).filter((place) => place.reply === reply);
  const last = Math.max(0, ...inside.map((place) => place.index).filter((start) => start <= index));
  return forkOf(last > 0 ? { reply, index: last } : placeOf(reply, replies), reply, replies);
}

/** The versions at a place; null if there is only one. @param shown which one is in the text */
export function forkOf(place: Place, shown: Reply, replies: Replies): Fork | null {
  const others = replies.filter((one) => one !== place.reply && one.count > 0 && isSame(placeOf(one, replies), place));
  return others.length === 0 ? null : { place, versions: [place.reply, ...others], shown };
}

/** The tokens in the text of a version from a place on, and of what has replaced parts of it. */
export function shownFrom(tokens: readonly NotebookToken[], from: Place, replies: Replies): readonly NotebookToken[] {
  const parts = new Map<Reply, boolean>();
  return tokens.filter(({ reply, index }) => {
    if (reply === from.reply) return index >= from.index;
    let isPart = parts.get(reply);
    if (isPart === undefined) parts.set(reply, (isPart = replacesPart(reply, from, replies)));
    return isPart;
  });
}

/** Whether a reply has replaced a part of what follows a place, but not at that place: there, it is another version. */
function replacesPart(reply: Reply, from: Place, replies: Replies): boolean {
  let place = placeOf(reply, replies);
  for (let steps = 0; steps <= replies.length; steps++) {
    if (place.reply === from.reply) return place.index > from.index;
    if (place.index === 0) return false;
    place = placeOf(place.reply, replies);
  }
  return false;
}

/** The part of a version that belongs at a place. */
export function firstTokenOf(version: Reply, { reply, index }: Place): number {
  return version === reply ? index : 0;
}

function isSame(a: Place, b: Place): boolean {
  return a.reply === b.reply && a.index === b.index;
}
