import { IAMClient } from '@aws-sdk/client-iam'
import { KMSClient } from '@aws-sdk/client-kms'
import { S3Client } from '@aws-sdk/client-s3'
import { SageMakerClient } from '@aws-sdk/client-sagemaker'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import type { WorkshopAws } from '../../workshop/ports.ts'
import type { Caller } from '../../workshop/stage.ts'
import { type AwsAccess, clientConfig, secureClientConfig } from '../access.ts'
import { createKmsClient } from '../kms.ts'
import { tried } from '../tried.ts'
import { kmsPort } from './kms-port.ts'
import { rolePort } from './role-port.ts'
import { s3Port } from './s3-port.ts'
import { trainingPort } from './training-port.ts'

type Closing = { readonly aws: WorkshopAws; close(): void }

/** AWS for the use cases, as one caller reaches it. `close` gives connections back. */
export function createWorkshopAws(access: AwsAccess, { accountId, region }: Pick<Caller, 'accountId' | 'region'>): Closing {
  const config = { ...clientConfig(access), region }
  const secure = { ...secureClientConfig(access), region }
  const style = { forcePathStyle: access.endpoint !== undefined }
  const kms = new KMSClient(config)
  const s3 = {
    secure: new S3Client({ ...secure, ...style }),
    // No TLS: what the SDK would reach as https it reaches as http.
    plain: new S3Client({ ...config, ...style, tls: false }),
  }
  const iam = new IAMClient(config)
  const sageMaker = new SageMakerClient(config)
  const sts = new STSClient(config)
  const { region: _, ...anyRegion } = config
  const envelopeKms = createKmsClient(anyRegion)
  const assumed: Closing[] = []

  const aws: WorkshopAws = {
    kms: kmsPort(kms),
    envelopeKms,
    s3: s3Port({ ...s3, accountId, region }),
    roles: rolePort(iam),
    training: trainingPort(sageMaker),
    assume: (RoleArn, RoleSessionName) =>
      tried(async () => {
        const { Credentials: given } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName }))
        const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = given ?? {}
        if (accessKeyId === undefined || secretAccessKey === undefined || sessionToken === undefined) {
          throw new Error('STS assumed a role and gave no credentials')
        }
        const session = createWorkshopAws({ ...access, credentials: { accessKeyId, secretAccessKey, sessionToken } }, { accountId, region })
        assumed.push(session)
        return session.aws
      }),
  }
  return {
    aws,
    close() {
      for (const session of assumed) session.close()
      for (const client of [kms, s3.secure, s3.plain, iam, sageMaker, sts]) client.destroy()
      envelopeKms.close()
    },
  }
}
