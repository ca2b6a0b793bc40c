import type { EpochS } from '../../time.ts'
import type { Protection } from './protections.ts'
import type { KeySnapshot } from './retirement.ts'

/** What is to be done with a key next. */
export type Step =
  /** Nothing, for these reasons; a retirement under way is held where it is. */
  | { readonly kind: 'protected'; readonly protections: readonly Protection[] }
  /** Nothing yet. `until` null: until another run finds something else. `isUnread`: something could not be read. */
  | { readonly kind: 'wait'; readonly until: EpochS | null; readonly reason: string; readonly isUnread?: boolean }
  /** It is noted that the retirement begins. */
  | { readonly kind: 'begin'; readonly snapshot: KeySnapshot; readonly by: string }
  | { readonly kind: 'disable' }
  /** It is noted that nobody can use it from now on. */
  | { readonly kind: 'watch' }
  /** It is noted that the hours of the watch are counted anew. */
  | { readonly kind: 'watch-again'; readonly reason: string }
  | { readonly kind: 'free'; readonly aliases: readonly string[] }
  | { readonly kind: 'schedule'; readonly days: number }
  /** It is noted that KMS will delete it. */
  | { readonly kind: 'await-deletion'; readonly until: EpochS | null; readonly isTakenAway?: true }
  /** It is noted that all is to be taken back. */
  | { readonly kind: 'save'; readonly reason: string }
  /** `unread`: what would tell whether there is a deletion to cancel; null: there is one. */
  | { readonly kind: 'cancel'; readonly unread: string | null }
  | { readonly kind: 'enable' }
  | { readonly kind: 'give-back'; readonly aliases: readonly string[] }
  | { readonly kind: 'finish'; readonly outcome: 'deleted' | 'saved'; readonly reason: string }
  /** A person has to look. */
  | { readonly kind: 'stop'; readonly reason: string }
