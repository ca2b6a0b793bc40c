import { describe, expect, it } from 'vitest'
import { decrypt, encrypt, EnvelopeError, type KmsClient, kmsKeyring } from '../../shared/envelope/index.ts'
import { errorOf, ruleOf, sampleBytes, sampleKeyring } from '../support/envelope-bytes.ts'
import { createFakeKms, KEY_ARN, MULTI_REGION_ARN, REPLICA_ARN, SECOND_KEY_ARN } from '../support/envelope-kms.ts'

const PLAINTEXT = sampleBytes(10)
const DISCOVERY = { partition: 'aws', accounts: ['111122223333'] } as const
const OTHER_ACCOUNT = '444455556666'
const suite = '0478'

describe('strict', () => {
  it('sends key ARN, context and grant tokens with every call', async () => {
    const client = createFakeKms()
    const keyring = kmsKeyring({ client, keyArn: KEY_ARN, furtherKeyArns: [SECOND_KEY_ARN], grantTokens: ['grant'] })
    const { message } = await encrypt(PLAINTEXT, { keyring, suite, encryptionContext: { tenant: 'a' } })
    expect((await decrypt(message, { keyring })).plaintext.equals(PLAINTEXT)).toBe(true)
    const common = { encryptionContext: { tenant: 'a' }, grantTokens: ['grant'] }
    expect(client.calls).toEqual([
      { operation: 'GenerateDataKey', keyArn: KEY_ARN, ...common },
      { operation: 'Encrypt', keyArn: SECOND_KEY_ARN, ...common },
      { operation: 'Decrypt', keyArn: KEY_ARN, ...common },
    ])
  })

  it('authenticates the public key of signed messages with KMS, too', async () => {
    const client = createFakeKms()
    await encrypt(PLAINTEXT, { keyring: kmsKeyring({ client, keyArn: KEY_ARN }), encryptionContext: { tenant: 'a' } })
    expect(Object.keys(client.calls[0]?.encryptionContext ?? {})).toEqual(['tenant', 'aws-crypto-public-key'])
  })

  it('asks only for keys it was given, and none where there is none', async () => {
    const client = createFakeKms()
    const { message } = await encrypt(PLAINTEXT, { keyring: kmsKeyring({ client, keyArn: KEY_ARN }), suite })
    const raw = await encrypt(PLAINTEXT, { keyring: sampleKeyring(), suite })
    const other = kmsKeyring({ client, keyArn: SECOND_KEY_ARN })
    expect((await errorOf(() => decrypt(message, { keyring: other }))).message).toContain('0 of them are under keys of this keyring')
    expect(await ruleOf(() => decrypt(raw.message, { keyring: other }))).toBe('decrypt-data-key')
    expect(client.calls.filter(({ operation }) => operation === 'Decrypt')).toEqual([])
  })

  it('goes on to the next key when one fails', async () => {
    const client = createFakeKms()
    const keyring = kmsKeyring({ client, keyArn: KEY_ARN, furtherKeyArns: [SECOND_KEY_ARN] })
    const { message } = await encrypt(PLAINTEXT, { keyring, suite })
    client.refuse(KEY_ARN, new Error('the key is disabled'))
    expect((await decrypt(message, { keyring })).plaintext.equals(PLAINTEXT)).toBe(true)
    expect(client.calls.slice(-2).map(({ keyArn }) => keyArn)).toEqual([KEY_ARN, SECOND_KEY_ARN])
  })

  it('tells every failure when none works', async () => {
    const client = createFakeKms()
    const keyring = kmsKeyring({ client, keyArn: KEY_ARN, furtherKeyArns: [SECOND_KEY_ARN] })
    const { message } = await encrypt(PLAINTEXT, { keyring, suite })
    client.refuse(KEY_ARN, Object.assign(new Error('disabled'), { name: 'DisabledException' }))
    client.refuse(SECOND_KEY_ARN, Object.assign(new Error('x'.repeat(9000)), { name: 'AccessDeniedException' }))
    const error = await errorOf(() => decrypt(message, { keyring }))
    expect(error.rule).toBe('decrypt-data-key')
    expect(error.failures.map(({ key }) => key)).toEqual([KEY_ARN, SECOND_KEY_ARN])
    expect(error.failures[0]?.reason).toBe('DisabledException: disabled')
    expect(error.failures[1]?.reason.length).toBeLessThan(600)
    expect((await errorOf(() => encrypt(PLAINTEXT, { keyring, suite }))).failures).toEqual([error.failures[0]])
  })

  it('tells every further key that cannot wrap, and writes nothing', async () => {
    const client = createFakeKms()
    client.refuse(SECOND_KEY_ARN, new Error('first'))
    client.refuse(MULTI_REGION_ARN, new Error('second'))
    const keyring = kmsKeyring({ client, keyArn: KEY_ARN, furtherKeyArns: [SECOND_KEY_ARN, MULTI_REGION_ARN] })
    const { rule, failures } = await errorOf(() => encrypt(PLAINTEXT, { keyring, suite }))
    expect({ rule, keys: failures.map(({ key }) => key) }).toEqual({ rule: 'generate-data-key', keys: [SECOND_KEY_ARN, MULTI_REGION_ARN] })
  })

  it.each([1, 2, 3])('asks for no key of a message with more than %i encrypted ones', async (maxEncryptedDataKeys) => {
    const client = createFakeKms()
    const furtherKeyArns = Array.from({ length: maxEncryptedDataKeys }, (_, index) => KEY_ARN.replace(/\d$/, String(index)))
    const keyring = kmsKeyring({ client, keyArn: KEY_ARN, furtherKeyArns })
    const { message } = await encrypt(PLAINTEXT, { keyring, suite })
    const calls = client.calls.length
    expect(await ruleOf(() => decrypt(message, { keyring, maxEncryptedDataKeys }))).toBe('encrypted-data-keys')
    expect(client.calls).toHaveLength(calls)
    expect(await ruleOf(() => decrypt(message, { keyring, maxEncryptedDataKeys: maxEncryptedDataKeys + 1 }))).toBe('no error')
    expect(await ruleOf(() => encrypt(PLAINTEXT, { keyring, maxEncryptedDataKeys }))).toBe('encrypted-data-keys')
  })
})

describe('an answer', () => {
  const good = createFakeKms()
  const ANSWERS: readonly { readonly name: string; readonly client: KmsClient; readonly reason: string }[] = [
    {
      name: 'for another key',
      client: {
        generateDataKey: async (request) => ({ ...(await good.generateDataKey(request)), keyArn: SECOND_KEY_ARN }),
        encrypt: async (request) => ({ ...(await good.encrypt(request)), keyArn: SECOND_KEY_ARN }),
        decrypt: async (request) => ({ ...(await good.decrypt(request)), keyArn: SECOND_KEY_ARN }),
      },
      reason: 'KMS answered for another key',
    },
    {
      name: 'of a wrong length',
      client: {
        generateDataKey: async (request) => ({ ...(await good.generateDataKey(request)), plaintext: Buffer.alloc(31) }),
        encrypt: good.encrypt,
        decrypt: async (request) => ({ ...(await good.decrypt(request)), plaintext: Buffer.alloc(33) }),
      },
      reason: 'KMS gave a data key of a wrong length',
    },
  ]

  it.each(ANSWERS)('$name is refused', async ({ client, reason }) => {
    const { message } = await encrypt(PLAINTEXT, { keyring: kmsKeyring({ client: good, keyArn: KEY_ARN }), suite })
    const keyring = kmsKeyring({ client, keyArn: KEY_ARN })
    const failures = [{ key: KEY_ARN, reason }]
    expect((await errorOf(() => decrypt(message, { keyring }))).failures).toEqual(failures)
    expect((await errorOf(() => encrypt(PLAINTEXT, { keyring, suite }))).failures).toEqual(failures)
  })

  it('leaves no data key in the buffers of the client', async () => {
    const plaintexts: Uint8Array[] = []
    const watched: KmsClient = {
      generateDataKey: async (request) => kept(await good.generateDataKey(request)),
      encrypt: good.encrypt,
      decrypt: async (request) => kept(await good.decrypt(request)),
    }
    function kept<Answer extends { readonly plaintext: Uint8Array }>(answer: Answer): Answer {
      plaintexts.push(answer.plaintext)
      return answer
    }
    const keyring = kmsKeyring({ client: watched, keyArn: KEY_ARN })
    const { message } = await encrypt(PLAINTEXT, { keyring, suite })
    await decrypt(message, { keyring })
    expect(plaintexts.map((bytes) => Buffer.from(bytes).equals(Buffer.alloc(32)))).toEqual([true, true])
  })
})

describe('multi-Region keys', () => {
  it('read what their replicas wrote, in their own Region', async () => {
    const client = createFakeKms()
    const { message } = await encrypt(PLAINTEXT, { keyring: kmsKeyring({ client, keyArn: REPLICA_ARN }), suite })
    const { plaintext } = await decrypt(message, { keyring: kmsKeyring({ client, keyArn: MULTI_REGION_ARN }) })
    expect(plaintext.equals(PLAINTEXT)).toBe(true)
    expect(client.calls.at(-1)?.keyArn).toBe(MULTI_REGION_ARN)
  })

  it.each([
    { name: 'of another account', change: (arn: string) => arn.replace('111122223333', OTHER_ACCOUNT) },
    { name: 'of another partition', change: (arn: string) => arn.replace('arn:aws:', 'arn:aws-cn:') },
    { name: 'with another ID', change: (arn: string) => arn.replace('mrk-0', 'mrk-1') },
  ])('are not those $name', async ({ change }) => {
    const client = createFakeKms()
    const { message } = await encrypt(PLAINTEXT, { keyring: kmsKeyring({ client, keyArn: change(REPLICA_ARN) }), suite })
    expect(await ruleOf(() => decrypt(message, { keyring: kmsKeyring({ client, keyArn: MULTI_REGION_ARN }) }))).toBe('decrypt-data-key')
    expect(client.calls).toHaveLength(1)
  })

  it('are the only ones that live in several Regions', async () => {
    const client = createFakeKms()
    const { message } = await encrypt(PLAINTEXT, { keyring: kmsKeyring({ client, keyArn: KEY_ARN }), suite })
    const twin = KEY_ARN.replace('eu-central-1', 'us-east-1')
    expect(await ruleOf(() => decrypt(message, { keyring: kmsKeyring({ client, keyArn: twin }) }))).toBe('decrypt-data-key')
  })
})

describe('discovery', () => {
  const foreign = KEY_ARN.replace('111122223333', OTHER_ACCOUNT)
  const CASES = [
    { name: 'its account and partition', written: KEY_ARN, discovery: DISCOVERY, asked: KEY_ARN },
    { name: 'another account', written: foreign, discovery: DISCOVERY, asked: null },
    { name: 'several accounts', written: foreign, discovery: { ...DISCOVERY, accounts: ['111122223333', OTHER_ACCOUNT] }, asked: foreign },
    { name: 'another partition', written: KEY_ARN, discovery: { ...DISCOVERY, partition: 'aws-cn' }, asked: null },
    { name: 'its Region', written: KEY_ARN, discovery: { ...DISCOVERY, region: 'eu-central-1' }, asked: KEY_ARN },
    { name: 'another Region', written: KEY_ARN, discovery: { ...DISCOVERY, region: 'us-east-1' }, asked: null },
    { name: 'a Region with a replica', written: MULTI_REGION_ARN, discovery: { ...DISCOVERY, region: 'us-east-1' }, asked: REPLICA_ARN },
  ]

  it.each(CASES)('asks by its filter: $name', async ({ written, discovery, asked }) => {
    const client = createFakeKms()
    const { message } = await encrypt(PLAINTEXT, { keyring: kmsKeyring({ client, keyArn: written }), suite })
    const rule = await ruleOf(() => decrypt(message, { keyring: kmsKeyring({ client, discovery }) }))
    expect(rule).toBe(asked === null ? 'decrypt-data-key' : 'no error')
    expect(client.calls.slice(1).map(({ keyArn }) => keyArn)).toEqual(asked === null ? [] : [asked])
  })

  it('writes nothing', async () => {
    const keyring = kmsKeyring({ client: createFakeKms(), discovery: DISCOVERY })
    expect(await ruleOf(() => encrypt(PLAINTEXT, { keyring }))).toBe('generate-data-key')
  })

  it.each([
    { partition: '', accounts: ['111122223333'] },
    { partition: 'aws', accounts: [] },
    { partition: 'aws', accounts: ['1'] },
    { partition: 'aws', accounts: ['111122223333'], region: '' },
  ])('needs a filter: %o', (discovery) => {
    expect(() => kmsKeyring({ client: createFakeKms(), discovery })).toThrow(EnvelopeError)
  })
})

describe('where an ARN is needed', () => {
  it.each(['alias/app', 'arn:aws:kms:eu-central-1:111122223333:alias/app'])('the alias %s is told', (keyArn) => {
    expect(() => kmsKeyring({ client: createFakeKms(), keyArn })).toThrow(/keyArn must be the ARN of a KMS key .*, not an alias$/)
    expect(() => kmsKeyring({ client: createFakeKms(), keyArn: KEY_ARN, furtherKeyArns: [keyArn] })).toThrow(
      /furtherKeyArns .* not an alias$/,
    )
  })

  it.each(['', 'mrk-1', KEY_ARN.slice(-36), 'arn:aws:s3:::bucket'])('%j will not do', (keyArn) => {
    expect(() => kmsKeyring({ client: createFakeKms(), keyArn })).toThrow(/must be the ARN of a KMS key/)
  })

  it('one key is not given twice', () => {
    expect(() => kmsKeyring({ client: createFakeKms(), keyArn: KEY_ARN, furtherKeyArns: [KEY_ARN] })).toThrow(/twice/)
  })
})

describe('identities', () => {
  const client = createFakeKms()
  const identity = kmsKeyring({ client, keyArn: KEY_ARN }).identity

  it('are the same for the same rights', () => {
    expect(kmsKeyring({ client, keyArn: KEY_ARN }).identity).toBe(identity)
    expect(sampleKeyring().identity).toBe(sampleKeyring().identity)
  })

  it('differ by client, keys, grants and way of choosing', () => {
    const others = [
      kmsKeyring({ client: createFakeKms(), keyArn: KEY_ARN }),
      kmsKeyring({ client, keyArn: SECOND_KEY_ARN }),
      kmsKeyring({ client, keyArn: KEY_ARN, furtherKeyArns: [SECOND_KEY_ARN] }),
      kmsKeyring({ client, keyArn: KEY_ARN, grantTokens: ['grant'] }),
      kmsKeyring({ client, discovery: DISCOVERY }),
      sampleKeyring(),
      sampleKeyring(sampleBytes(32, 'another')),
    ]
    expect(new Set([identity, ...others.map((keyring) => keyring.identity)]).size).toBe(others.length + 1)
  })
})
