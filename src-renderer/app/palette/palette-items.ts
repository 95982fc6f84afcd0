import { computeCommandScore } from 'bits-ui';

/** The order of an empty query; otherwise the group with the best match is first. */
const PALETTE_GROUPS = ['Commands', 'Chats', 'Messages', 'Models', 'Presets'] as const;
export type PaletteGroup = (typeof PALETTE_GROUPS)[number];

/** An entry of the palette. */
export interface PaletteItem {
  /** Unique in the palette. */
  readonly id: string;
  readonly group: PaletteGroup;
  readonly title: string;
  /** Muted, after the title. */
  readonly detail?: string;
  /** Of a message: the text around what was searched for. */
  readonly hit?: { readonly before: string; readonly match: string; readonly after: string };
  /** Keys that do the same. */
  readonly keys?: string;
  /** More words to find it by. */
  readonly words?: string;
  run(): void;
}

export interface RankedGroup {
  readonly group: PaletteGroup;
  readonly items: readonly PaletteItem[];
}

/** Entries of a group without a query and with one. */
const SHOWN = { empty: 6, searched: 12 };
/** Worse matches are letters scattered over a title. */
const MIN_SCORE = 0.02;
/** A word that is not in the title counts less. */
const WORDS_FACTOR = 0.6;

/** The entries that match a query, best first; messages were found by the search and keep their order. */
export function rankItems(items: readonly PaletteItem[], query: string): RankedGroup[] {
  const wanted = query.trim();
  const groups = PALETTE_GROUPS.map((group) => {
    const own = items.filter((item) => item.group === group);
    if (wanted === '') return { group, best: 0, items: own.slice(0, SHOWN.empty) };
    if (group === 'Messages') return { group, best: 0, items: own.slice(0, SHOWN.searched) };
    const scored = own.map((item) => ({ item, score: scoreOf(item, wanted) })).filter(({ score }) => score > MIN_SCORE);
    scored.sort((a, b) => b.score - a.score);
    return { group, best: scored[0]?.score ?? 0, items: scored.slice(0, SHOWN.searched).map(({ item }) => item) };
  });
  // Stable: groups of equal rank keep their order.
  return groups.filter((group) => group.items.length > 0).sort((a, b) => b.best - a.best);
}

function scoreOf({ title, words }: PaletteItem, wanted: string): number {
  const score = computeCommandScore(title, wanted);
  return words === undefined ? score : Math.max(score, WORDS_FACTOR * computeCommandScore(words, wanted));
}
