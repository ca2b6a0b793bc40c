// fauxqs 2.4.1 exports its app only. The stores behind it are reached by path: the version is pinned, and `test/local/queues.test.ts` holds
// what is used of them. Without them there is no way to keep queues over a restart, nor to reach them other than over HTTP.
import type { DatabaseSync } from 'node:sqlite'
import { PersistenceManager } from '../node_modules/fauxqs/dist/persistence.js'
import { S3Store } from '../node_modules/fauxqs/dist/s3/s3Store.js'
import { SnsStore } from '../node_modules/fauxqs/dist/sns/snsStore.js'
import { SqsError } from '../node_modules/fauxqs/dist/common/errors.js'
import { type SqsQueue, SqsStore } from '../node_modules/fauxqs/dist/sqs/sqsStore.js'
import { INVALID_MESSAGE_BODY_CHAR } from '../node_modules/fauxqs/dist/sqs/sqsTypes.js'

export { type SqsQueue, SqsStore }

export type FauxqsStores = {
  readonly sqsStore: SqsStore
  readonly snsStore: SnsStore
  readonly s3Store: S3Store
  /** Runs many changes as one write, which is several times faster; on disk all or none are kept. */
  together<Result>(changes: () => Result): Result
  close(): void
}

/** What SQS does not carry. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
export const NO_MESSAGE_BODY = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u
// fauxqs' own pattern looks at halves of characters, and refuses everything beyond U+FFFF, which SQS carries.
Object.defineProperty(INVALID_MESSAGE_BODY_CHAR, 'test', { value: (text: string) => NO_MESSAGE_BODY.test(text) })

/** The queues, topics and objects, kept in a folder (made if missing) or in memory without one. */
export function openStores(folder: string | null): FauxqsStores {
  const sqsStore = new UniquelyNamedQueues()
  const snsStore = new SnsStore()
  const s3Store = new S3Store()
  if (folder === null) return { sqsStore, snsStore, s3Store, together: (changes) => changes(), close: () => undefined }
  const persistence = new Persistence(folder)
  // In fauxqs' own order: what is loaded must not be written again.
  persistence.load(sqsStore, snsStore, s3Store)
  sqsStore.persistence = persistence
  snsStore.persistence = persistence
  s3Store.persistence = persistence
  for (const queue of sqsStore.allQueues()) queue.persistence = persistence
  return { sqsStore, snsStore, s3Store, together: (changes) => persistence.together(changes), close: () => persistence.close() }
}

/** fauxqs keeps and finds queues by name: the same name in a second Region would take the place of the first one. */
class UniquelyNamedQueues extends SqsStore {
  override createQueue(...queue: Parameters<SqsStore['createQueue']>): SqsQueue {
    const [name, , arn] = queue
    const other = this.getQueueByName(name)
    if (other !== undefined && other.arn !== arn) {
      throw new SqsError('QueueNameExists', 'In the local cloud a queue name can be used in one Region only.')
    }
    return super.createQueue(...queue)
  }

  /** Without port: what stands in an answer is completed there, so that a queue that was kept is found at any port. */
  override buildQueueUrl(queueName: string): string {
    return `${KEPT_URL}${queueName}`
  }
}

const ACCOUNT = '000000000000'
const KEPT_URL = `http://127.0.0.1/${ACCOUNT}/`

/** The address of a queue at a port of this machine. */
export function queueUrlAt(url: string, port: string): string {
  return url.startsWith(KEPT_URL) ? `http://127.0.0.1:${port}/${ACCOUNT}/${url.slice(KEPT_URL.length)}` : url
}

class Persistence extends PersistenceManager {
  readonly #db: DatabaseSync
  #open = 0

  constructor(folder: string) {
    super(folder)
    // `private` is a word of its types only.
    const { db } = this as unknown as { readonly db: DatabaseSync }
    this.#db = db
    // Without a wait for the disk at each message; a crash of the process loses nothing. https://sqlite.org/wal.html
    this.#db.exec('PRAGMA synchronous = NORMAL')
  }

  /** fauxqs sets the receive count to null, which its own table refuses: ChangeMessageVisibility to 0 would fail. */
  override updateMessageReady(messageId: string): void {
    this.#db.prepare('UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL WHERE message_id = ?').run(messageId)
  }

  together<Result>(changes: () => Result): Result {
    if (this.#open > 0) return changes()
    this.#open++
    this.#db.exec('BEGIN')
    try {
      const result = changes()
      this.#db.exec('COMMIT')
      return result
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
    } finally {
      this.#open--
    }
  }
}
