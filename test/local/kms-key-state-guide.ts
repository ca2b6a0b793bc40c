import type { KeyState } from '../../local/kms/keys.ts'

/**
 * The table of https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html, as the copies of it that can be read have it:
 * https://github.com/awsdocs/aws-kms-developer-guide/blob/main/doc_source/key-state.md, and for what is younger the API references of
 * ReplicateKey (Creating), UpdatePrimaryRegion (Updating), ScheduleKeyDeletion (PendingReplicaDeletion) and DeleteImportedKeyMaterial.
 *
 * ok: it works, if the kind of key suits. Numbers: the notes of the guide, `or` where it leaves two. K: KMSInvalidStateException, of
 * which the API references tell. n/a: no such key. ?: nobody tells.
 */
const GUIDE = `
  operation                            Enabled  Disabled  PendingImport  PendingDeletion  PendingReplicaDeletion  Unavailable  Creating  Updating
  CancelKeyDeletion                    4        4         4              ok               ?                       4            ?         ?
  CreateAlias                          ok       ok        ok             3                ?                       ok           ok        ?
  CreateGrant                          ok       1         5              2or3             ?                       ok           ok        ?
  Decrypt                              ok       1         5              2or3             2or3                    11           K         ok
  DeleteAlias                          ok       ok        ok             ok               ok                      ok           ok        ok
  DeleteImportedKeyMaterial            ok       ok        ok             ok               ?                       9            ?         ?
  DeriveSharedSecret                   ok       1         5              2or3             2or3                    11           K         ok
  DescribeKey                          ok       ok        ok             ok               ok                      ok           ok        ok
  DisableKey                           ok       ok        5              3                ?                       ok           ?         K
  DisableKeyRotation                   ok       1         6              3                ?                       7            K         ?
  EnableKey                            ok       ok        5              3                ?                       ok           ?         K
  EnableKeyRotation                    ok       1         6              3                ?                       7            K         ?
  Encrypt                              ok       1         5              2or3             2or3                    11           K         ok
  GenerateDataKey                      ok       1         5              2or3             2or3                    11           K         ok
  GenerateDataKeyPair                  ok       1         5              2or3             2or3                    11           K         ok
  GenerateDataKeyPairWithoutPlaintext  ok       1         5              2or3             2or3                    11           K         ok
  GenerateDataKeyWithoutPlaintext      ok       1         5              2or3             2or3                    11           K         ok
  GenerateMac                          ok       1         5              2or3             2or3                    11           K         ok
  GetKeyLastUsage                      ok       ?         ?              ?                ?                       ?            ?         ?
  GetKeyPolicy                         ok       ok        ok             ok               ok                      ok           ok        ok
  GetKeyRotationStatus                 ok       ok        6              ok               ?                       7            ?         ?
  GetParametersForImport               ok       ok        ok             8or9             ?                       9            ?         ?
  GetPublicKey                         ok       1         n/a            2or3             ?                       n/a          ?         ?
  ImportKeyMaterial                    ok       ok        ok             8or9             ?                       9            ?         ?
  ListAliases                          ok       ok        ok             ok               ok                      ok           ok        ok
  ListGrants                           ok       ok        ok             ok               ok                      ok           ok        ok
  ListKeyPolicies                      ok       ok        ok             ok               ?                       ok           ok        ?
  ListKeyRotations                     ok       ?         ?              ?                ?                       ?            ?         ?
  ListResourceTags                     ok       ok        ok             ok               ?                       ok           ok        ?
  PutKeyPolicy                         ok       ok        ok             ok               ok                      ok           ok        ok
  ReEncrypt                            ok       1         5              2or3             2or3                    11           K         ok
  ReplicateKey                         ok       ?         ?              ?                K                       n/a          ?         K
  RetireGrant                          ok       ok        ok             ok               ?                       ok           ok        ?
  RevokeGrant                          ok       ok        ok             ok               ok                      ok           ok        ok
  RotateKeyOnDemand                    ok       1         6              3                ?                       7            K         ?
  ScheduleKeyDeletion                  ok       ok        ok             3                ?                       ok           ?         K
  Sign                                 ok       1         n/a            2or3             2or3                    n/a          K         ok
  TagResource                          ok       ok        ok             3                ?                       ok           ok        ?
  UntagResource                        ok       ok        ok             3                ?                       ok           ok        ?
  UpdateAlias                          ok       ok        ok             10               ?                       ok           ok        ?
  UpdateKeyDescription                 ok       ok        ok             3                ?                       ok           ok        ?
  UpdatePrimaryRegion                  ok       ?         ?              ?                ?                       n/a          ?         ?
  Verify                               ok       1         n/a            2or3             2or3                    n/a          K         ok
  VerifyMac                            ok       1         5              2or3             2or3                    11           K         ok
`

const NOTES: Readonly<Record<string, string>> = {
  1: 'DisabledException',
  2: 'DisabledException',
  3: 'KMSInvalidStateException',
  4: 'KMSInvalidStateException',
  5: 'KMSInvalidStateException',
  6: 'UnsupportedOperationException',
  7: 'UnsupportedOperationException',
  8: 'KMSInvalidStateException',
  9: 'UnsupportedOperationException',
  10: 'KMSInvalidStateException',
  11: 'KMSInvalidStateException',
  K: 'KMSInvalidStateException',
}

export type GuideCell = { readonly operation: string; readonly state: KeyState; readonly word: string }

const [HEADER = [], ...ROWS] = GUIDE.trim()
  .split('\n')
  .map((line) => line.trim().split(/\s+/))
export const CELLS: readonly GuideCell[] = ROWS.flatMap(([operation = '', ...words]) =>
  HEADER.slice(1).map((state, index) => ({ operation, state: state as KeyState, word: words[index] ?? 'nothing' })),
)

/** The states in the order of the columns. */
export const STATES_OF_GUIDE = HEADER.slice(1) as readonly KeyState[]

/** The codes that may come; null: it works. */
export function expectedCodes(word: string): readonly (string | null)[] {
  if (word === 'ok') return [null]
  return word.split('or').map((note) => NOTES[note] ?? `no note ${note}`)
}
