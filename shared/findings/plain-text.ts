import { cappedText } from '../text.ts'

/**
 * What acts instead of being shown, wherever the text ends up: controls and line ends, marks that turn the direction or are not seen,
 * halves of characters, the beginnings of tags and of placeholders of templates.
 */
const ACTIVE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}<>]|[$#](?=\{)|\{(?=\{)/gu
/** Spreadsheets calculate what begins so. https://owasp.org/www-community/attacks/CSV_Injection */
const FORMULA = /^[=+\-@]/

/** One line that says what a stranger wrote and does nothing else, `bytesMax` bytes of UTF-8 at most; a cut is told. */
export function plainText(text: string, bytesMax: number): string {
  // Escaping makes text longer, never shorter: nothing beyond the limit could be shown.
  const shown = text.slice(0, bytesMax).replace(ACTIVE, escaped).replace(FORMULA, escaped)
  return text.length <= bytesMax && Buffer.byteLength(shown) <= bytesMax ? shown : cut(shown, text.length, bytesMax)
}

/** The text as it is, `bytesMax` bytes of UTF-8 at most; a cut is told. */
export function cutText(text: string, bytesMax: number): string {
  return text.length <= bytesMax && Buffer.byteLength(text) <= bytesMax ? cappedText(text, bytesMax) : cut(text, text.length, bytesMax)
}

function cut(text: string, length: number, bytesMax: number): string {
  const note = ` [cut: ${length} characters]`
  return cappedText(text, bytesMax - note.length) + note
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}

/** JSON in which no text can end a script or open a tag, wherever it is put. */
export function plainJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** `2026-10-20 06:00:00 UTC` */
export function timeText(instant: number): string {
  return `${new Date(instant * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
