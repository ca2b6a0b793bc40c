/**
 * The beginning of a text that a stranger wrote, `bytesMax` bytes of UTF-8 at most, never half a character.
 * Lone surrogates become U+FFFD, so that the text has one form in memory, in JSON and in UTF-8.
 */
export function cappedText(text: string, bytesMax: number): string {
  // A UTF-16 code unit is at most three bytes of UTF-8.
  if (text.length * 3 <= bytesMax && text.isWellFormed()) return text
  const bytes = Buffer.from(text.slice(0, bytesMax), 'utf8')
  if (bytes.length <= bytesMax) return bytes.toString('utf8')
  let end = bytesMax
  // 0b10xxxxxx continues a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}
