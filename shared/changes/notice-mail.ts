import { MAIL_BYTES_MAX, type Mail, subject } from '../findings/mail.ts'
import { plainText, timeText } from '../findings/plain-text.ts'
import type { Notice } from './notice.ts'

const LINE_BYTES_MAX = 1024
const LINES_MAX = 40

/** Notices as one mail, as many from the first on as it has room for: the others are for the next one. */
export function noticeMail<Each extends { readonly notice: Notice }>(
  open: readonly Each[],
): { readonly mail: Mail; readonly told: readonly Each[] } {
  const told: Each[] = []
  const parts: string[] = []
  let bytes = 0
  for (const each of open) {
    const part = noticeLines(each.notice).join('\n')
    bytes += Buffer.byteLength(part) + 1
    // One notice is far shorter than a mail.
    if (bytes > MAIL_BYTES_MAX) break
    parts.push(part)
    told.push(each)
  }
  const first = shown(told[0]?.notice.title ?? '')
  const rest = told.length - 1
  return {
    mail: { subject: subject(`[Keytrail] ${rest > 0 ? `${told.length} notices, first: ` : ''}${first}`), body: parts.join('\n') },
    told,
  }
}

/** Each value on a line of its own, behind its name: none can pass for another. */
function noticeLines({ id, at, title, resourceArn, accountId, region, lines }: Notice): readonly string[] {
  const rest = lines.length - LINES_MAX
  return [
    shown(title),
    `  Where: ${shown(resourceArn)}`,
    `         account ${shown(accountId)}, Region ${shown(region)}`,
    `  When: ${timeText(at)}`,
    ...lines.slice(0, LINES_MAX).map((line) => `  ${shownLine(line)}`),
    ...(rest > 0 ? [`  and ${rest} more lines`] : []),
    `  Notice: ${shown(id)}`,
    '',
  ]
}

/** What a stranger wrote begins behind the name. */
function shownLine(line: string): string {
  const at = line.indexOf(': ')
  return at === -1 ? shown(line) : `${shown(line.slice(0, at))}: ${shown(line.slice(at + 2))}`
}

function shown(text: string): string {
  return plainText(text, LINE_BYTES_MAX)
}
