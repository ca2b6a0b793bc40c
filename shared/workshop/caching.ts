import { createDataKeyCache, totalStatistics } from '../cache/index.ts'
import { cachingMaterials, decrypt, encrypt, kmsKeyring } from '../envelope/index.ts'
import { makeAlias, makeKey } from './keys.ts'
import type { RunFacts } from './registry.ts'
import { type Stage, step } from './stage.ts'
import { inputFile, makeFile } from './things.ts'
import { type CheckResult, checked, type UseCase } from './use-case.ts'
import { awaitUses, durationText } from './waiting.ts'

const PLAINTEXT = 'plaintext_u.txt'
const TEXT = 'This text is encrypted twice, and one data key is enough for both.\n'
const CONTEXT = { whatfor: 'keytrail workshop caching' }
/** Two messages under one data key, as the workshop has it. */
const LIMITS = { maxAgeMs: 5 * 60_000, maxMessages: 2 }
const COUNT = 2

/** Client-side encryption with a data key cache: two messages, one call of KMS. */
export const caching: UseCase = {
  name: 'caching',
  title: 'Client-side encryption with data key caching',

  async run(stage) {
    const since = await stage.time.now()
    const keyArn = await makeKey(stage, 'key')
    const aliasName = await makeAlias(stage, keyArn)
    step(stage, 'A KMS key with an alias', `${aliasName} stands for ${keyArn}`)

    const cache = createDataKeyCache({ capacity: 10 })
    const materials = cachingMaterials({ keyring: kmsKeyring({ client: stage.aws.envelopeKms, keyArn }), cache, ...LIMITS })
    const plaintext = await inputFile(stage, PLAINTEXT, Buffer.from(TEXT))

    const messages: Uint8Array[] = []
    for (let number = 1; number <= COUNT; number++) {
      const { message } = await encrypt(plaintext, { materials, encryptionContext: CONTEXT })
      messages.push(message)
      await makeFile(stage, `encrypted_e_${number}.txt`, message)
    }
    const afterEncrypts = totalStatistics(cache.snapshot())
    step(
      stage,
      `${PLAINTEXT} is encrypted ${COUNT} times, here and not on AWS`,
      ...messages.map((message, index) => `encrypted_e_${index + 1}.txt: ${message.length} bytes, another message each time`),
      `the cache: ${afterEncrypts.misses} data key had to be fetched, ${afterEncrypts.hits} came from the cache`,
    )

    for (const [index, message] of messages.entries()) {
      const { plaintext: cycled } = await decrypt(message, { materials, encryptionContext: CONTEXT })
      await makeFile(stage, `plaintext_u_cycled_${index + 1}.txt`, cycled)
    }
    const { hits, misses } = totalStatistics(cache.snapshot())
    cache.clear()
    step(
      stage,
      `Both are decrypted again`,
      `plaintext_u_cycled_1.txt, plaintext_u_cycled_2.txt`,
      `the cache: ${misses - afterEncrypts.misses} data key had to be decrypted by KMS, ${hits - afterEncrypts.hits} came from the cache`,
    )
    return { keyArn, since, until: await stage.time.now(), hits, misses }
  },

  check: checkCaching,
}

async function checkCaching(stage: Stage, facts: RunFacts): Promise<CheckResult> {
  const plaintext = stage.files.read(PLAINTEXT)
  const cycled = [1, 2].map((number) => stage.files.read(`plaintext_u_cycled_${number}.txt`))
  const encrypted = [1, 2].map((number) => stage.files.read(`encrypted_e_${number}.txt`))
  const uses = await awaitUses(stage, facts, { GenerateDataKey: 1, Decrypt: 1 })
  const areSame = plaintext !== null && cycled.every((bytes) => bytes !== null && Buffer.from(plaintext).equals(bytes))
  const [first, second] = encrypted
  const differ = first !== null && first !== undefined && second !== null && second !== undefined && !Buffer.from(first).equals(second)
  return {
    checks: [
      checked('what was decrypted is what was encrypted, both times', 'yes', areSame ? 'yes' : 'no'),
      checked('the two messages differ, although text and data key are the same', 'yes', differ ? 'yes' : 'no'),
      uses.check('GenerateDataKey', 1),
      uses.check('Decrypt', 1),
    ],
    lessons: [
      {
        question: 'Two files were encrypted. How often was KMS asked for a data key?',
        answer: `CloudTrail counts ${uses.counts['GenerateDataKey'] ?? 0} GenerateDataKey. The second encrypt found the data key of the first in the cache.`,
      },
      {
        question: 'Why do we wait before we look?',
        answer: `CloudTrail is no live view: it collects events and delivers them when they are ready, on AWS usually within minutes. This time both calls had been told after ${durationText(uses.waitedS)}. A count that is read too early looks like a better cache.`,
      },
      {
        question: 'What would the third encrypt have done?',
        answer: `Asked KMS again: this cache lets a data key encrypt ${LIMITS.maxMessages} messages, and lets it grow ${LIMITS.maxAgeMs / 60_000} minutes old. Fewer calls cost less and wait less; each reuse puts more data under one key.`,
      },
      {
        question: 'The cache itself says it saved calls. Why count in CloudTrail?',
        answer: 'A cache counts what it meant to do. CloudTrail counts what reached KMS, from every program that uses the key.',
      },
    ],
  }
}
