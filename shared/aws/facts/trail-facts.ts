import { DescribeTrailsCommand, GetEventSelectorsCommand, GetTrailStatusCommand, type Trail } from '@aws-sdk/client-cloudtrail'
import { observed } from '../../observed.ts'
import type { TrailFacts } from '../../rules/facts.ts'
import type { Resource } from '../../rules/rule.ts'
import type { AccountView } from './account-view.ts'
import { type Asked, asked, isRead, mapped, once, present } from './asked.ts'
import type { FactParts, FactSources } from './fact-parts.ts'
import { managementEventsOf } from './management-events.ts'

/** `region` of the resource is the trail's home. */
export function trailSources(
  { arn, region }: Resource,
  { clients, extent }: FactParts,
  account: AccountView,
): FactSources<'cloudtrail_trail'> {
  const client = clients.cloudTrail(region)

  const trail = once(async (): Promise<Asked<Trail>> => {
    const found = extent === 'sweep' ? await account.trails(region) : await named()
    if (!isRead(found)) return found
    const own = found.value.find(({ TrailARN }) => TrailARN === arn)
    return own === undefined ? 'gone' : observed(own)
  })
  const named = (): Promise<Asked<readonly Trail[]>> =>
    asked('cloudtrail:DescribeTrails', async () => (await client.send(new DescribeTrailsCommand({ trailNameList: [arn] }))).trailList ?? [])
  const ofTrail =
    <Value>(read: (trail: Trail) => Value) =>
    async (): Promise<Asked<Value>> =>
      mapped(await trail(), read)

  const status = once(() =>
    asked('cloudtrail:GetTrailStatus', async () => {
      const { IsLogging, LatestDeliveryError } = await client.send(new GetTrailStatusCommand({ Name: arn }))
      return { isLogging: present(IsLogging), latestDeliveryError: LatestDeliveryError ?? '' }
    }),
  )

  return {
    homeRegion: ofTrail(({ HomeRegion }) => HomeRegion ?? region),
    kmsKey: ofTrail(({ KmsKeyId }) => KmsKeyId ?? null),
    validatesLogFiles: ofTrail(({ LogFileValidationEnabled }) => LogFileValidationEnabled ?? false),
    isLogging: async () => mapped(await status(), ({ isLogging }) => isLogging),
    latestDeliveryError: async () =>
      mapped(await status(), ({ latestDeliveryError }) => (latestDeliveryError === '' ? null : latestDeliveryError)),
    managementEvents: once(() =>
      asked<TrailFacts['managementEvents']>('cloudtrail:GetEventSelectors', async () =>
        managementEventsOf(await client.send(new GetEventSelectorsCommand({ TrailName: arn }))),
      ),
    ),
  }
}
