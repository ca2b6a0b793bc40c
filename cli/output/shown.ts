/**
 * Text for a terminal: line breaks, escapes, other control characters and marks that turn the writing direction are written out, so
 * that a name made by a stranger can neither move the cursor nor pose as another.
 */
export function shown(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}

/** Control, format, surrogate, line and paragraph separator characters: Unicode categories Cc, Cf, Cs, Zl, Zp. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
