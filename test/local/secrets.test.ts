import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { createSecretsManager } from '../../local/secrets.ts'
import { ACCOUNT, caller, REGION, START_MS } from './service-calls.ts'

const PLACE = { region: REGION, accountId: ACCOUNT, timeMs: START_MS }
const TOKEN = 'a8d1f0b2-7c53-4f3c-9f4e-2b7a0d9c1e55'

function secrets(db = new DatabaseSync(':memory:')) {
  const service = createSecretsManager(db)
  return { db, service, ...caller(service) }
}

describe('Secrets Manager', () => {
  it('keeps a secret over a restart and finds it by name, ARN and ARN without its end', async () => {
    const first = secrets()
    const created = await first.output('CreateSecret', { Name: 'keytrail/chat', SecretString: 'https://x', ClientRequestToken: TOKEN })
    const arn = String(created['ARN'])
    expect(arn).toMatch(/^arn:aws:secretsmanager:eu-central-1:111122223333:secret:keytrail\/chat-[A-Za-z\d]{6}$/)
    const { output } = secrets(first.db)
    for (const SecretId of ['keytrail/chat', arn, arn.slice(0, -7)]) {
      expect(await output('GetSecretValue', { SecretId })).toEqual({
        ARN: arn,
        Name: 'keytrail/chat',
        VersionId: TOKEN,
        SecretString: 'https://x',
        VersionStages: ['AWSCURRENT'],
        CreatedDate: START_MS / 1000,
      })
    }
    expect(await output('DescribeSecret', { SecretId: arn })).not.toHaveProperty('SecretString')
  })

  it('records who read what, and no values', async () => {
    const { answer } = secrets()
    const created = await answer('CreateSecret', { Name: 'chat', SecretString: 'hush-hush', ClientRequestToken: TOKEN })
    expect(created.trail).toEqual({
      readOnly: false,
      requestParameters: { name: 'chat', clientRequestToken: TOKEN },
      responseElements: null,
    })
    const read = await answer('GetSecretValue', { SecretId: 'chat' })
    expect(read.trail).toEqual({ readOnly: true, requestParameters: { secretId: 'chat' }, responseElements: null })
    expect(JSON.stringify([created.trail, read.trail])).not.toContain('hush-hush')
  })

  it('makes a secret once', async () => {
    const { service, output } = secrets()
    const arn = service.ensureSecret('salt', { ...PLACE, length: 64 })
    const { SecretString } = await output('GetSecretValue', { SecretId: 'salt' })
    expect(SecretString).toMatch(/^[A-Za-z\d]{64}$/)
    expect(service.ensureSecret('salt', { ...PLACE, length: 10 })).toBe(arn)
    expect(await output('GetSecretValue', { SecretId: arn })).toMatchObject({ SecretString })
    expect(service.ensureSecret('salt', { ...PLACE, region: 'us-east-1', length: 10 })).not.toBe(arn)
    expect(() => service.ensureSecret('no name', { ...PLACE, length: 10 })).toThrow(RangeError)
  })

  it.each([
    ['ResourceNotFoundException', 'GetSecretValue', { SecretId: 'other' }, {}],
    ['ResourceNotFoundException', 'GetSecretValue', { SecretId: 'chat' }, { region: 'us-east-1' }],
    ['ResourceNotFoundException', 'GetSecretValue', { SecretId: 'chat', VersionStage: 'AWSPREVIOUS' }, {}],
    ['ResourceNotFoundException', 'GetSecretValue', { SecretId: 'chat', VersionId: 'b'.repeat(36) }, {}],
    ['ResourceNotFoundException', 'DescribeSecret', { SecretId: 'other' }, {}],
    ['ValidationException', 'GetSecretValue', {}, {}],
    ['OK', 'CreateSecret', { Name: 'chat', SecretString: 's', ClientRequestToken: TOKEN }, {}],
    ['ResourceExistsException', 'CreateSecret', { Name: 'chat', SecretString: 'other', ClientRequestToken: TOKEN }, {}],
    ['ValidationException', 'CreateSecret', { Name: 'no name', SecretString: 's' }, {}],
    ['ValidationException', 'CreateSecret', { Name: 'large', SecretString: 'x'.repeat(65_537) }, {}],
    ['OK', 'CreateSecret', { Name: 'large', SecretString: 'x'.repeat(65_536) }, {}],
    ['InvalidRequestException', 'CreateSecret', { Name: 'binary' }, {}],
    ['UnknownOperationException', 'DeleteSecret', { SecretId: 'chat' }, {}],
  ])('%s answers %s', async (code, operation, input, changes) => {
    const service = secrets()
    await service.output('CreateSecret', { Name: 'chat', SecretString: 's', ClientRequestToken: TOKEN })
    expect(await service.code(operation, input, changes)).toBe(code)
  })
})
