import { type Command, InvalidArgumentError, Option } from 'commander'
import { cappedText } from '../../shared/text.ts'

/** What `encrypt` and `decrypt` have in common. */
export type EnvelopeOptions = {
  readonly key: readonly string[]
  readonly keyName?: KeyName
  readonly context: Readonly<Record<string, string>>
  readonly target: 'local' | 'aws'
  readonly out?: string
  readonly force: boolean
  readonly quiet: boolean
}
/** Namespace and name, under which messages point at a raw key. */
export type KeyName = { readonly namespace: string; readonly name: string }

const KEYS_MAX = 16
const SHOWN_BYTES_MAX = 64

export function withEnvelopeOptions(command: Command): Command {
  return command
    .requiredOption(
      '--key <key>',
      'the ARN of a KMS key, or file:<file> with a raw AES key of 16, 24 or 32 bytes; several ARNs: any will do',
      collectKey,
    )
    .option('--key-name <namespace/name>', 'how messages name the raw key, for other programs that have it', parseKeyName)
    .option('--context <name=value>', 'a pair of the encryption context; may be given several times', collectContext, {})
    .addOption(new Option('--target <target>', 'whose KMS: the local cloud, or AWS').choices(['local', 'aws']).default('local'))
    .option('--out <file>', 'write to a file instead of standard output; it appears when all of it is there and verified')
    .option('--force', 'let --out replace a file', false)
    .option('--quiet', 'show no progress', false)
}

function collectKey(text: string, before: readonly string[] | undefined): readonly string[] {
  const keys = [...(before ?? []), text]
  if (keys.length > KEYS_MAX) throw new InvalidArgumentError(`At most ${KEYS_MAX} keys.`)
  return keys
}

function collectContext(text: string, before: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const equals = text.indexOf('=')
  if (equals < 1) throw new InvalidArgumentError('Write name=value.')
  const name = text.slice(0, equals)
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`"${cappedText(name, SHOWN_BYTES_MAX)}" is given twice.`)
  // A pair called __proto__ is a pair like any other.
  return Object.fromEntries([...Object.entries(before), [name, text.slice(equals + 1)]])
}

function parseKeyName(text: string): KeyName {
  const slash = text.indexOf('/')
  if (slash < 1 || slash === text.length - 1) throw new InvalidArgumentError('Write namespace/name.')
  return { namespace: text.slice(0, slash), name: text.slice(slash + 1) }
}
