import { PLAINTEXT_BYTES_MAX } from './kms-api-files.ts'
import type { RunFacts } from './registry.ts'
import type { Lesson } from './use-case.ts'

/**
 * Prices: https://aws.amazon.com/kms/pricing/
 * Policies: https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html
 */
export function kmsApiLessons(facts: RunFacts): readonly Lesson[] {
  return [
    {
      question: `Why does Encrypt end at ${PLAINTEXT_BYTES_MAX} bytes?`,
      answer:
        'All that Encrypt encrypts travels to KMS and back, into machines that many share and that keep the keys. They are made for small secrets: passwords, and above all data keys. Everything larger is encrypted where it is, under a data key; only that key, 32 bytes, is for KMS.',
    },
    {
      question: 'Why does an old ciphertext still decrypt after a rotation?',
      answer: `A KMS key is a name with a policy; its key material is what encrypts. A rotation adds new material for what is encrypted from now on and keeps all the old, ${facts['materials'] ?? 'some'} by now, and each ciphertext says which it needs. So a rotation breaks nothing, and protects nothing that was encrypted before: only ReEncrypt, or writing anew, does.`,
    },
    {
      question: 'Why is a data key without plaintext useful?',
      answer:
        'Because it can be made and stored by somebody who must not read: it needs permission for GenerateDataKeyWithoutPlaintext and none for Decrypt. Whoever later encrypts or reads with it asks KMS to decrypt it, and CloudTrail names them.',
    },
    {
      question: 'Who decides, key policy or IAM?',
      answer:
        'The key policy, first and last. "Key policy and IAM both" is how a key works that leaves it to IAM, as the default policy does: then both have to say yes. A key policy that names somebody of its own account needs no IAM policy; one that neither names them nor leaves it to IAM cannot be opened by any IAM policy. A grant is a third way in, and an explicit deny anywhere is the end.',
    },
    {
      question: 'What does ReEncrypt spare?',
      answer:
        'Decrypt and Encrypt would bring the plaintext out of KMS and back, through your memory and your permission to decrypt. ReEncrypt does both within KMS: whoever moves ciphertexts to another key never sees what they hold. CloudTrail has one event for it, of two keys, which counts as a use of each.',
    },
    {
      question: 'Why does nobody have to name the key for Decrypt?',
      answer:
        'The ciphertext of a symmetric key holds which key it is, and what must not be changed is authenticated: the encryption context too. Naming the key you expect keeps you from decrypting what somebody else encrypted for you.',
    },
    {
      question: 'What costs money?',
      answer:
        'In us-east-1 a customer managed key costs $1 a month, from the hour it is made until its deletion is scheduled; the first and the second rotation add as much each, further ones nothing. Requests cost $0.03 for 10,000, after 20,000 free ones a month. AWS managed keys have no monthly fee. So what adds up is a key for everything, and a call for every little thing: that is what caching is for.',
    },
  ]
}
