import type { DatabaseSync } from 'node:sqlite'
import type { ControlHandlers } from '../control.ts'

/** What SNS would have sent, without the footer it puts below. The words are strangers'. */
export type Mail = {
  readonly to: string
  readonly subject: string
  readonly body: string
  readonly topicArn: string
  readonly messageId: string
  /** ISO 8601, by the local clock. */
  readonly sentAt: string
}

export type MailContents = {
  /** Newest first. */
  readonly mails: readonly Mail[]
  /** How many older ones had to make room since the box was emptied. */
  readonly dropped: number
}

/** Keeps the newest 1,000 mails, 16 MiB of them at most, over a restart. */
export type Mailbox = { add(mail: Mail): void; contents(): MailContents; empty(): void }

const MAILS_MAX = 1000
const MAIL_BYTES_MAX = 16 * 1024 * 1024

const SCHEMA = 'CREATE TABLE IF NOT EXISTS mail_mails (sequence INTEGER PRIMARY KEY, mail TEXT NOT NULL, bytes INTEGER NOT NULL) STRICT'

export function mailboxIn(db: DatabaseSync): Mailbox {
  db.exec(SCHEMA)
  const insert = db.prepare('INSERT INTO mail_mails VALUES (NULL, $mail, octet_length($mail))')
  const select = db.prepare('SELECT sequence, mail FROM mail_mails ORDER BY sequence DESC')
  const dropOld = db.prepare(`DELETE FROM mail_mails WHERE sequence <= (SELECT max(sequence) FROM mail_mails) - ${MAILS_MAX}`)
  const size = db.prepare('SELECT count(*) AS mails, sum(bytes) AS bytes, min(sequence) AS oldest FROM mail_mails')
  const drop = db.prepare('DELETE FROM mail_mails WHERE sequence = ?')
  return {
    add(mail) {
      insert.run({ mail: JSON.stringify(mail) })
      dropOld.run()
      for (;;) {
        const row = size.get()
        if (Number(row?.['mails']) <= 1 || Number(row?.['bytes']) <= MAIL_BYTES_MAX) return
        drop.run(Number(row?.['oldest']))
      }
    },
    contents() {
      const rows = select.all()
      const oldest = rows.at(-1)
      return {
        mails: rows.map((row) => JSON.parse(String(row['mail'])) as Mail),
        // Rows are numbered from 1 on, without gaps, and anew when the box was emptied.
        dropped: oldest === undefined ? 0 : Number(oldest['sequence']) - 1,
      }
    },
    empty: () => db.exec('DELETE FROM mail_mails'),
  }
}

/** `GET /mail` answers `MailContents`, `DELETE /mail` empties the box. */
export function mailControl(mailbox: Mailbox): ControlHandlers {
  return {
    'GET /mail': () => ({ status: 200, body: mailbox.contents() }),
    'DELETE /mail': () => {
      mailbox.empty()
      return { status: 200, body: mailbox.contents() }
    },
  }
}
