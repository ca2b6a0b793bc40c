import { NOTICE_CHANNELS, type Notice, type NoticeStore, type OpenNotice } from '../../changes/notice.ts'
import { type Item, itemAt, numberAttribute, type Table, textAttribute, textOf } from '../table.ts'
import { kept, ownItem, secondText, valueIn } from './own-item.ts'

const NOTICES = 'notice'
const OPEN = 'notice-open'
/** As long as records: whatever comes to an occurrence again finds that it was told. */
const NOTICE_S = 400 * 86_400
/** Of more than these, the oldest are told first. */
const LEADS_READ_MAX = 10_000
/** Whoever writes in between makes a reading void; so many in a row are a fault. */
const READINGS_MAX = 5

type Kept = OpenNotice & { readonly token: string }

/**
 * Notices in the control table. Partition and sort keys by kind of item:
 * `notice` `<notice>` · `notice-open` `<second>#<notice>`
 *
 * The second leads announcers to the first: it is written before it, and goes after all were told. One that leads to nothing is of a notice
 * that was not written.
 */
export function createNoticeTable(table: Table, newToken: () => string): NoticeStore {
  async function find(id: string): Promise<Kept | null> {
    const item = await itemAt(table, NOTICES, id)
    return item === null ? null : { ...(valueIn(item, 'told') as OpenNotice), token: textOf(item, 'token') }
  }

  function noticeItem(open: OpenNotice): Item {
    const item = ownItem({ pk: NOTICES, sk: open.notice.id, value: open, token: newToken() })
    return { ...item, expiresAt: endOf(open.notice) }
  }

  return {
    async put(notice) {
      await table.put(leadItem(notice))
      const item = noticeItem({ notice, told: [] })
      if ((await kept(table, item, { ConditionExpression: 'attribute_not_exists(pk)' })) === 'written') return
      const there = await find(notice.id)
      const isLead = there !== null && !isTold(there.told) && leadOf(there.notice) === leadOf(notice)
      if (!isLead) await table.remove(OPEN, leadOf(notice))
    },
    async open(countMax) {
      const found: OpenNotice[] = []
      let read = 0
      for await (const lead of table.query(OPEN)) {
        if (found.length >= countMax || ++read > LEADS_READ_MAX) break
        const there = await find(textOf(lead, 'notice'))
        if (there === null) continue
        // Whoever told it last broke off before this.
        if (isTold(there.told)) await table.remove(OPEN, textOf(lead, 'sk'))
        else if (leadOf(there.notice) === textOf(lead, 'sk')) found.push({ notice: there.notice, told: there.told })
      }
      return found
    },
    async told({ notice }, channels) {
      for (let reading = 0; reading < READINGS_MAX; reading++) {
        const there = await find(notice.id)
        if (there === null) return
        const told = NOTICE_CHANNELS.filter((channel) => there.told.includes(channel) || channels.includes(channel))
        const written = await kept(table, noticeItem({ notice: there.notice, told }), {
          ConditionExpression: '#token = :token',
          // A reserved word.
          ExpressionAttributeNames: { '#token': 'token' },
          ExpressionAttributeValues: { ':token': textAttribute(there.token) },
        })
        if (written === 'conflict') continue
        if (isTold(told)) await table.remove(OPEN, leadOf(there.notice))
        return
      }
      throw new Error(`the notice ${notice.id} is written again and again by others`)
    },
  }
}

function isTold(told: OpenNotice['told']): boolean {
  return NOTICE_CHANNELS.every((channel) => told.includes(channel))
}

function leadItem(notice: Notice): Item {
  return { pk: textAttribute(OPEN), sk: textAttribute(leadOf(notice)), notice: textAttribute(notice.id), expiresAt: endOf(notice) }
}

function leadOf({ at, id }: Notice): string {
  return `${secondText(at)}#${id}`
}

function endOf({ at }: Notice): Item[string] {
  return numberAttribute(at + NOTICE_S)
}
