import { observed, type Observed, type Unread, unread } from '../../observed.ts'
import { epochS, type EpochS } from '../../time.ts'
import { failureOf, UnusableAnswerError } from './errors.ts'

/** What came of asking AWS about a resource. */
export type Asked<Value> = Observed<Value> | 'gone' | 'unready'

/** What stands for answers that come as errors; left out: such an error is a failure. */
type Answers<Value> = { readonly absent?: Value; readonly unsupported?: Value; readonly gone?: Value }

/** Asks; `action` as IAM names it. @throws what came of no call */
export async function asked<Value>(action: string, call: () => Promise<Value>, answers: Answers<Value> = {}): Promise<Asked<Value>> {
  try {
    return observed(await call())
  } catch (error) {
    const { kind, code } = failureOf(error)
    switch (kind) {
      case 'absent':
      case 'unsupported':
      case 'gone': {
        const answer = answers[kind]
        if (answer !== undefined) return observed(answer)
        return kind === 'gone' ? 'gone' : unread(action, 'failed', code)
      }
      case 'unready':
        return 'unready'
      case 'denied':
        return unread(action, 'denied', code)
      case 'throttled':
      case 'failed':
        return unread(action, 'failed', code)
    }
  }
}

/** Asks what is not the resource itself, such as a table or all of an account: that this is gone says nothing of the resource. */
export async function askedBeside<Value>(action: string, call: () => Promise<Value>): Promise<Observed<Value>> {
  try {
    return observed(await call())
  } catch (error) {
    const { kind, code } = failureOf(error)
    return unread(action, kind === 'denied' ? 'denied' : 'failed', code)
  }
}

/** A part, or another form, of what was read. */
export function mapped<Value, Other>(answer: Asked<Value>, map: (value: Value) => Other): Asked<Other> {
  return isRead(answer) ? observed(map(answer.value)) : answer
}

export function isRead<Value>(answer: Asked<Value>): answer is { readonly known: true; readonly value: Value } {
  return typeof answer !== 'string' && answer.known
}

export function isUnread<Value>(answer: Asked<Value>): answer is Unread {
  return typeof answer !== 'string' && !answer.known
}

/** What every answer has. @throws `UnusableAnswerError` */
export function present<Value>(value: Value | null | undefined): Value {
  if (value === undefined || value === null) throw new UnusableAnswerError('IncompleteAnswer')
  return value
}

/** @throws `UnusableAnswerError` for a time before 1970 */
export function secondOf(date: Date): EpochS {
  return present(epochS(date.getTime()))
}

export function secondOrNull(date: Date | undefined): EpochS | null {
  return date === undefined ? null : secondOf(date)
}

/** The items of all pages. @throws `UnusableAnswerError` if there are more pages: a part is not taken for the whole */
export async function itemsOf<Page, Item>(
  pages: AsyncIterable<Page>,
  pagesMax: number,
  items: (page: Page) => readonly Item[] | undefined,
): Promise<readonly Item[]> {
  const all: Item[] = []
  let count = 0
  for await (const page of pages) {
    if (++count > pagesMax) throw new UnusableAnswerError('TooManyPages')
    all.push(...(items(page) ?? []))
  }
  return all
}

/** The same promise every time. */
export function once<Value>(ask: () => Promise<Value>): () => Promise<Value> {
  let answer: Promise<Value> | null = null
  return () => (answer ??= ask())
}

/** By name, what was read once for many resources. What could not be read is asked for again; of what is named, the oldest goes first. */
export function createShared<Value>(namesMax: number): (name: string, ask: () => Promise<Observed<Value>>) => Promise<Observed<Value>> {
  const known = new Map<string, Promise<Observed<Value>>>()
  return (name, ask) => {
    const found = known.get(name)
    if (found !== undefined) return found
    const asking = ask()
    known.set(name, asking)
    const forget = (): void => {
      if (known.get(name) === asking) known.delete(name)
    }
    asking.then((answer) => (!answer.known && answer.because === 'failed' ? forget() : undefined), forget)
    const [oldest] = known.keys()
    if (known.size > namesMax && oldest !== undefined) known.delete(oldest)
    return asking
  }
}

/** The same text for the same content, in whatever order its members stand. */
export function sortedJson(value: object): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  )
}
