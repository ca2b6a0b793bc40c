import { objectNames } from './s3-mode-list.ts'
import type { Lesson } from './use-case.ts'
import type { Awaited } from './waiting.ts'

/** What the table means. */
export function s3ModeLessons(withoutBucketKey: Awaited, withBucketKey: Awaited): readonly Lesson[] {
  const count = objectNames('bucket-key').length
  return [
    {
      question: 'Which mode when?',
      answer:
        'SSE-S3 is what every object gets, and enough where s3:GetObject may decide alone. SSE-KMS where use of the key is to be permitted, watched and taken back apart from the data. A Bucket Key on top where many objects make many calls. DSSE-KMS where a rule asks for two layers. Client-side encryption where S3 itself must not see the text. SSE-C hardly ever: it leaves you the burden of keys, and S3 still sees the text.',
    },
    {
      question: 'Who holds the key?',
      answer:
        'SSE-S3: S3 does. SSE-KMS and DSSE-KMS: KMS does, under your key policy, and it never leaves. SSE-C: you do, and send it with each request; S3 keeps only what proves that it is the same. Client-side: KMS holds the key that wraps, and the data key is in clear only in your own program.',
    },
    {
      question: 's3:GetObject was allowed to all who read. Why did some get nothing?',
      answer:
        'The key is a second lock: with a KMS key S3 asks KMS in the name of the reader, and without kms:Decrypt gives nothing. With client-side encryption S3 gives what it has, and that is ciphertext.',
    },
    {
      question: 'Why must SSE-C use HTTPS?',
      answer:
        'The key itself travels in a header of each request. Over plain HTTP everybody on the way reads it. S3 refuses such a request, but only when it has arrived: the key has been seen by then, and must not be used any more.',
    },
    {
      question: 'What does a Bucket Key save, and what does it hide?',
      answer: `${count} objects put and ${count} got: ${total(withoutBucketKey)} calls of KMS without it, ${total(withBucketKey)} with it, for each requester asks for the bucket's key once in a while and not for each object. The calls that are left name the bucket in their encryption context and no object: who read which object no longer stands in the events of KMS, only in data events of S3, which have to be switched on.`,
    },
    {
      question: 'What happens to SSE-C since April 2026?',
      answer:
        'New buckets refuse it until somebody allows it (BlockedEncryptionTypes NONE), and so do old ones in accounts that have no object under SSE-C. Objects that are there can still be read by who has their key.',
    },
  ]
}

function total({ counts }: Awaited): number {
  return Object.values(counts).reduce((sum, each) => sum + each, 0)
}
