import type { LucideProps } from '@lucide/svelte';
import type { Component } from 'svelte';

/** What `@lucide/svelte/icons/NAME` exports. */
export type IconComponent = Component<LucideProps>;

/** A choice of a SegmentedControl or a Select. */
export interface Choice<Value extends string = string> {
  value: Value;
  label: string;
  icon?: IconComponent;
  testId?: string;
}

/** Meaning of a colour sample: part of the context meter, or before/after the sampler chain. */
export type SegmentKind = 'system' | 'history' | 'reply' | 'free';
export type LegendKind = SegmentKind | 'before' | 'after' | 'scratch';

/** A button that a card or a toast offers. */
export interface Action {
  label: string;
  onclick: () => void;
  icon?: IconComponent;
  /** Key that does the same, shown beside the label. */
  kbd?: string;
  disabled?: boolean;
  testId?: string;
}

/** An arrow of a Pager. */
export type PagerArrow = 'previous' | 'next';

/** A line of a Menu. */
export interface MenuItem {
  label: string;
  /** Not needed with `items`. */
  onselect?: () => void;
  /** A submenu. */
  items?: readonly MenuItem[];
  icon?: IconComponent;
  /** Muted text at the end: a key or a remark. */
  end?: string;
  danger?: boolean;
  disabled?: boolean;
  /** After a line. */
  divided?: boolean;
  testId?: string;
}
