import { CreateAliasCommand, CreateKeyCommand, PutKeyPolicyCommand } from '@aws-sdk/client-kms'
import { paginateScan } from '@aws-sdk/client-dynamodb'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openChanges } from '../../shared/aws/changes/open-changes.ts'
import type { StackChanges } from '../../shared/aws/changes/stack-changes.ts'
import { createTable } from '../../shared/aws/table.ts'
import { allEntries, registryTable } from '../../shared/aws/workshop/registry-table.ts'
import type { ChangePorts } from '../../shared/changes/change-ports.ts'
import { readPolicy } from '../../shared/policy-file/policy-file.ts'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import type { Resource } from '../../shared/rules/rule.ts'
import { CERTIFICATE_FILE } from '../../shared/local-order.ts'
import { epochS, type EpochS } from '../../shared/time.ts'
import type { Entry } from '../../shared/workshop/registry.ts'
import { type Ended, type Folder, ROOT, temporaryFolder } from '../support/cli.ts'
import { keytrailHere } from '../support/here.ts'
import { refOf, startCloud, type WatchedCloud } from '../support/local-cloud.ts'

/** Who calls the local cloud at the command line. */
export const CALLER = 'arn:aws:iam::000000000000:user/local'
export const OTHER = 'arn:aws:iam::000000000000:role/somebody-else'
/** As long as a test may take: other files run beside this one. */
export const HOOK_MS = 60_000

type Key = Resource<'kms_key'> & { readonly alias: string }

/** A local cloud that the command line finds in a folder, and the tables of its stack. */
export type CommandGround = AsyncDisposable & {
  readonly cloud: WatchedCloud
  readonly folder: Folder
  readonly changes: StackChanges
  now(): EpochS
  run(...args: readonly string[]): Promise<Ended>
  /** As enforcement changes things, under a policy that enforces these rules. */
  enforcing(...ruleIds: readonly string[]): Promise<ChangePorts>
  newKey(name: string): Promise<Key>
  /** A key and its alias, in the registry. */
  newDemoKey(name: string, entry?: Partial<Entry>): Promise<Key>
  /** The entry of that name is gone from the registry. */
  forget(name: string): Promise<void>
  /** Everybody of the account may do everything with it but this. */
  deny(key: Key, action: string): Promise<void>
  /** All items of the control table, as text. */
  control(): Promise<string>
  /** What is another one each time, as one. */
  constant(text: string): string
}

export async function openCommandGround(): Promise<CommandGround> {
  const cloud = await startCloud()
  const folder = temporaryFolder()
  const { kms, dynamodb } = cloud.clients
  const { accountId, region, url } = cloud
  folder.write('.keytrail/endpoint.json', JSON.stringify({ url, region, now: '' }))
  const controlTable = refOf(cloud, 'ControlTable')
  const registry = registryTable(createTable(dynamodb, controlTable))
  const caller = { arn: CALLER, accountId, region, partition: 'aws' }
  // As it stands in a folder of a local cloud: who changes buckets needs TLS.
  folder.write(`.keytrail/${CERTIFICATE_FILE}`, cloud.secure.certificate)
  const access = { endpoint: url, region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' }, secure: cloud.secure }
  const opened: StackChanges[] = []
  const now = (): EpochS => epochS(cloud.clock.nowMs()) ?? (0 as EpochS)

  async function open(policyText: string): Promise<StackChanges> {
    const read = readPolicy(Buffer.from(policyText), { rules: ALL_RULES, now: now() })
    if (!read.ok) throw new Error('the policy has problems')
    const changes = await openChanges(access, caller, { rules: ALL_RULES, policy: read.policy, newToken: randomUUID })
    if (changes === null) throw new Error('the stack is not there')
    opened.push(changes)
    return changes
  }

  async function newKey(name: string): Promise<Key> {
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
    const arn = KeyMetadata?.Arn ?? ''
    await kms.send(new CreateAliasCommand({ AliasName: `alias/${name}`, TargetKeyId: arn }))
    return { kind: 'kms_key', arn, accountId, region, alias: `alias/${name}` }
  }

  return {
    cloud,
    folder,
    changes: await open(''),
    now,
    run: (...args) => keytrailHere(args, { cwd: folder.path }),
    async enforcing(...ruleIds) {
      const changes = await open(`rules:\n${ruleIds.map((id) => `  ${id}: { mode: enforce }\n`).join('')}`)
      return changes.changePorts({ now, pause: (ms) => sleep(ms), perHourMax: 10 })
    },
    newKey,
    async newDemoKey(name, changes = {}) {
      const key = await newKey(name)
      const entry: Entry = {
        id: randomUUID(),
        useCase: 'sse',
        kind: 'kms-key',
        name: key.arn,
        keyArn: '',
        owner: CALLER,
        plannedAt: now(),
        state: 'made',
        outcome: '',
        ...changes,
      }
      await registry.write(entry)
      await registry.write({ ...entry, id: randomUUID(), kind: 'kms-alias', name: key.alias, keyArn: key.arn })
      return key
    },
    async forget(name) {
      const standing = (await allEntries(createTable(dynamodb, controlTable))).filter((entry) => entry.name === name)
      for (const entry of standing) await registry.write({ ...entry, state: 'retired' })
    },
    async deny({ arn }, action) {
      const Statement = [
        { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${accountId}:root` }, Action: 'kms:*', Resource: '*' },
        { Effect: 'Deny', Principal: '*', Action: action, Resource: '*' },
      ]
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
      await kms.send(new PutKeyPolicyCommand({ KeyId: arn, Policy, BypassPolicyLockoutSafetyCheck: true }))
    },
    async control() {
      const items: string[] = []
      for await (const { Items = [] } of paginateScan({ client: dynamodb }, { TableName: controlTable }))
        items.push(...Items.map((item) => JSON.stringify(item)))
      return items.toSorted().join('\n')
    },
    constant: (text) =>
      text
        .replaceAll(folder.path, '<folder>')
        .replaceAll(url, '<url>')
        .replaceAll(/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g, '<key ID>')
        .replaceAll(/\d{8}T\d{6}Z-[\da-f]{8}/g, '<record>')
        .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, '<time>')
        .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, '<time>'),
    async [Symbol.asyncDispose]() {
      for (const changes of opened) changes.close()
      folder[Symbol.dispose]()
      await cloud.close()
    },
  }
}

export function golden(name: string): string {
  return readFileSync(path.join(ROOT, 'test/golden', name), 'utf8')
}

/** How a program that asks AWS comes to this cloud. */
export function awsEnvironment({ cloud }: CommandGround): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: cloud.url,
    AWS_REGION: cloud.region,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}
