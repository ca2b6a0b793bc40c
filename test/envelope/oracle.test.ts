import { describe, expect, it } from 'vitest'
import { decrypt, decryptStream, encrypt, encryptStream, type Keyring, kmsKeyring } from '../../shared/envelope/index.ts'
import { cut, ruleOf, sampleBytes, sampleKeyring, through } from '../support/envelope-bytes.ts'
import { createFakeKms, KEY_ARN, MULTI_REGION_ARN, SECOND_KEY_ARN } from '../support/envelope-kms.ts'
import {
  oracleDecrypt,
  oracleDecryptStream,
  oracleEncrypt,
  oracleEncryptStream,
  oracleKmsKeyring,
  type OracleKeyring,
  oracleRawKeyring,
} from '../support/envelope-oracle.ts'

type Pair = { readonly name: string; readonly ours: Keyring; readonly theirs: OracleKeyring; readonly dataKeys: number }

const SUITES = ['0478', '0578'] as const
const FRAME_LENGTH = 100
const SIZES = [0, 1, FRAME_LENGTH - 1, FRAME_LENGTH, FRAME_LENGTH + 1, 5 * FRAME_LENGTH, 7 * FRAME_LENGTH + 50]
const CONTEXTS: readonly { readonly name: string; readonly encryptionContext: Readonly<Record<string, string>> }[] = [
  { name: 'no pairs', encryptionContext: {} },
  { name: 'one pair', encryptionContext: { tenant: 'a' } },
  // Ordered one way by UTF-8, another by UTF-16, a third by locale; digits, which objects put first.
  {
    name: 'pairs in an order of bytes',
    encryptionContext: { b: '1', A: 'größe', '\uffee': '2', '\u{1f511}': '🔑', a_b: '', 'a-b': ' ', '10': 'x', '9': 'y' },
  },
]
/** Neither a frame nor a header ends where a piece does. */
const PIECE_BYTES = [7, 64, 333] as const
const CASES = SIZES.map((bytes, index) => ({ bytes, pieceBytes: PIECE_BYTES[index % PIECE_BYTES.length] ?? 1 }))
const kms = createFakeKms()
const PAIRS: readonly Pair[] = [
  { name: 'a raw AES key', ours: sampleKeyring(), theirs: oracleRawKeyring(), dataKeys: 1 },
  {
    name: 'a KMS key',
    ours: kmsKeyring({ client: kms, keyArn: KEY_ARN }),
    theirs: oracleKmsKeyring(kms, KEY_ARN, []),
    dataKeys: 1,
  },
  {
    name: 'three KMS keys',
    ours: kmsKeyring({ client: kms, keyArn: KEY_ARN, furtherKeyArns: [SECOND_KEY_ARN, MULTI_REGION_ARN] }),
    theirs: oracleKmsKeyring(kms, KEY_ARN, [SECOND_KEY_ARN, MULTI_REGION_ARN]),
    dataKeys: 3,
  },
]

describe.each(PAIRS)('under $name', ({ ours, theirs, dataKeys }) => {
  describe.each(SUITES)('suite %s', (suite) => {
    describe.each(CONTEXTS)('with $name', ({ encryptionContext }) => {
      const options = { suite, encryptionContext, frameLength: FRAME_LENGTH }

      it.each(CASES)('what is written here, the SDK of AWS reads: $bytes bytes', async ({ bytes, pieceBytes }) => {
        const plaintext = sampleBytes(bytes)
        const { message, header } = await encrypt(plaintext, { ...options, keyring: ours })
        expect(header.encryptedDataKeys).toHaveLength(dataKeys)
        expect((await oracleDecrypt(theirs, message)).equals(plaintext)).toBe(true)
        const streamed = await through(encryptStream({ ...options, keyring: ours }), cut(plaintext, pieceBytes))
        expect(streamed.length).toBeGreaterThan(bytes)
        expect((await oracleDecryptStream(theirs, cut(streamed, pieceBytes))).equals(plaintext)).toBe(true)
      })

      it.each(CASES)('what the SDK of AWS writes is read here: $bytes bytes', async ({ bytes, pieceBytes }) => {
        const plaintext = sampleBytes(bytes)
        const message = await oracleEncrypt(theirs, plaintext, options)
        const read = await decrypt(message, { keyring: ours, encryptionContext })
        expect(read.plaintext.equals(plaintext)).toBe(true)
        expect(read.header.encryptedDataKeys).toHaveLength(dataKeys)
        expect(read.header.encryptionContext).toMatchObject(encryptionContext)
        const streamed = await oracleEncryptStream(theirs, cut(plaintext, pieceBytes), options)
        const stream = decryptStream({ keyring: ours, encryptionContext, allowUnverified: suite === '0578' })
        expect((await through(stream, cut(streamed, pieceBytes))).equals(plaintext)).toBe(true)
      })
    })
  })
})

it('both ask KMS for the same things', async () => {
  const [asked, theirs] = [createFakeKms(), createFakeKms()]
  const encryptionContext = { tenant: 'a' }
  const arns = [SECOND_KEY_ARN, MULTI_REGION_ARN]
  const { message } = await encrypt(sampleBytes(1), {
    suite: '0478',
    encryptionContext,
    keyring: kmsKeyring({ client: asked, keyArn: KEY_ARN, furtherKeyArns: arns }),
  })
  await oracleEncrypt(oracleKmsKeyring(theirs, KEY_ARN, arns), sampleBytes(1), { suite: '0478', encryptionContext, frameLength: 10 })
  await decrypt(message, { keyring: kmsKeyring({ client: asked, keyArn: SECOND_KEY_ARN }) })
  await oracleDecrypt(oracleKmsKeyring(theirs, SECOND_KEY_ARN, []), message)
  expect(asked.calls.map(({ operation }) => operation)).toEqual(['GenerateDataKey', 'Encrypt', 'Encrypt', 'Decrypt'])
  expect(asked.calls).toEqual(theirs.calls)
})

it('a signed message too long for the thread pool is verified, too', async () => {
  const plaintext = sampleBytes(300 * 1024)
  const keyring = sampleKeyring()
  const { message } = await encrypt(plaintext, { keyring, frameLength: 128 * 1024 })
  expect((await oracleDecrypt(oracleRawKeyring(), message)).equals(plaintext)).toBe(true)
  expect((await decrypt(message, { keyring })).plaintext.equals(plaintext)).toBe(true)
  message[message.length - 1] = (message.at(-1) ?? 0) ^ 1
  const into = Buffer.alloc(plaintext.length, 1)
  expect(await ruleOf(() => decrypt(message, { keyring, into }))).toBe('signature')
  expect(into.equals(Buffer.alloc(into.length))).toBe(true)
})
