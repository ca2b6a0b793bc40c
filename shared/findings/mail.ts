import { accessLines, briefLine, byWeight, fullLines, statementLines } from './mail-lines.ts'
import type { MissingAccess } from './missing-access.ts'
import type { News } from './news.ts'
import { plainText } from './plain-text.ts'
import type { FindingStatus } from './finding.ts'

/** "Messages must be UTF-8 encoded strings and at most 256 KB in size". https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
export const MAIL_BYTES_MAX = 262_144
/** Fewer than 100 characters; ASCII is right by the old and the new wording. The same page. */
const SUBJECT_LENGTH_MAX = 99
/** What is left for the lines that name and close sections. */
const CLOSING_BYTES = 16_384

export type Mail = { readonly subject: string; readonly body: string }

/** Of all that is told by mail at once: those that go by themselves, and the others as one. */
export type MailNews = {
  readonly news: readonly News[]
  readonly access: readonly MissingAccess[]
  /** The account whose Security Hub has the findings. */
  readonly hubAccountId: string
}

/** One critical finding that fails. */
export function criticalMail(news: News, hubAccountId: string): Mail {
  const { finding, rule, isRepetition } = news
  const again = isRepetition ? 'maybe again: ' : ''
  const { accountId, region } = finding.resource
  return {
    subject: subject(`[Keytrail] ${again}CRITICAL in ${accountId} ${region}: ${rule.title}`),
    body: [...fullLines(news, hubAccountId), ''].join('\n'),
  }
}

/** Sections in the order in which people have to act. */
const SECTIONS: readonly { readonly status: FindingStatus; readonly title: string; readonly isBrief: boolean }[] = [
  { status: 'failing', title: 'FAILING', isBrief: false },
  { status: 'unknown', title: 'COULD NOT BE JUDGED', isBrief: false },
  { status: 'exempt', title: 'EXEMPT', isBrief: false },
  { status: 'passing', title: 'IN ORDER AGAIN', isBrief: true },
  { status: 'gone', title: 'GONE OR OUT OF SCOPE', isBrief: true },
]

/** All others; null: there is nothing that people have not heard of. What one denied action leaves unknown stands under the action. */
export function digestMail({ news, access, hubAccountId }: MailNews): Mail | null {
  const shown = news.filter(({ finding }) => finding.denied.length === 0).toSorted((one, other) => byWeight(one.finding, other.finding))
  if (shown.length === 0 && access.length === 0) return null
  const page = createPage()
  if (access.length > 0) {
    page.add(['KEYTRAIL MAY NOT READ WHAT IT NEEDS', ''])
    page.addAll(access.map(accessLines), 'missing actions')
    page.add([''])
    page.addAll([[...statementLines(access), '']], 'statements')
  }
  for (const { status, title, isBrief } of SECTIONS) {
    const own = shown.filter(({ finding }) => finding.status === status)
    if (own.length === 0) continue
    page.add([`${title} (${own.length})`, ''])
    page.addAll(
      own.map((each) => (isBrief ? [briefLine(each)] : [...fullLines(each, hubAccountId), ''])),
      `of ${own.length} ${title.toLowerCase()}`,
    )
    if (isBrief) page.add([''])
  }
  return { subject: digestSubject(shown, access), body: page.text() }
}

function digestSubject(shown: readonly News[], access: readonly MissingAccess[]): string {
  const counts = SECTIONS.flatMap(({ status }) => {
    const count = shown.filter(({ finding }) => finding.status === status).length
    return count === 0 ? [] : [`${count} ${status}`]
  })
  const actions = access.length === 0 ? [] : [`${access.length} ${access.length === 1 ? 'action' : 'actions'} denied`]
  const isRepetition = [...shown, ...access].every((each) => each.isRepetition)
  return subject(`[Keytrail] ${isRepetition ? 'maybe again: ' : ''}${[...counts, ...actions].join(', ')}`)
}

/** Lines up to the length of a mail; what does not fit is counted, and said where it is to be seen. */
function createPage() {
  const lines: string[] = []
  let bytes = 0
  const add = (more: readonly string[]): void => {
    lines.push(...more)
    bytes += bytesOf(more)
  }
  return {
    add,
    addAll(entries: readonly (readonly string[])[], what: string): void {
      for (const [index, entry] of entries.entries()) {
        if (bytes + bytesOf(entry) > MAIL_BYTES_MAX - CLOSING_BYTES) {
          add([`and ${entries.length - index} more ${what}: npm run -s keytrail -- audit shows them all`])
          return
        }
        add(entry)
      }
    },
    text: () => lines.join('\n'),
  }
}

function bytesOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0)
}

/** A line that SNS takes as a subject. */
export function subject(text: string): string {
  const ascii = plainText(text, 4 * SUBJECT_LENGTH_MAX).replace(/[^ -~]/g, '?')
  return ascii.length <= SUBJECT_LENGTH_MAX ? ascii : `${ascii.slice(0, SUBJECT_LENGTH_MAX - 3)}...`
}
