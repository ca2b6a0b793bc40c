import { GetEventSelectorsCommand, GetTrailStatusCommand, type Trail } from '@aws-sdk/client-cloudtrail'
import { inLanes } from '../../findings/batches.ts'
import { observed } from '../../observed.ts'
import type { ManagementEvents, TrailCoverage } from '../../rules/facts.ts'
import type { Resource } from '../../rules/rule.ts'
import type { AccountView } from './account-view.ts'
import { type Asked, asked, isRead, isUnread, mapped, once, present } from './asked.ts'
import type { FactParts, FactSources } from './fact-parts.ts'
import { managementEventsOf } from './management-events.ts'

/** 5 trails at home in a Region, and copies of those of all other Regions. https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html */
const TRAILS_MAX = 200
const TRAILS_AT_A_TIME = 4

export function accountSources({ accountId, region }: Resource, { clients }: FactParts, account: AccountView): FactSources<'aws_account'> {
  async function trails(): Promise<Asked<readonly TrailCoverage[]>> {
    const found = await account.trails(region)
    if (!found.known) return found
    const covering = await inLanes(found.value.slice(0, TRAILS_MAX), TRAILS_AT_A_TIME, coverageOf)
    const unread = covering.find(isUnread)
    if (unread !== undefined) return unread
    // A trail that went meanwhile covers nothing.
    return observed(covering.filter(isRead).map(({ value }) => value))
  }

  /** Read where the trail is at home, and by its ARN: a name would be that of a trail of this account. */
  async function coverageOf(trail: Trail): Promise<Asked<TrailCoverage>> {
    const [arn, homeRegion] = [present(trail.TrailARN), trail.HomeRegion ?? region]
    const client = clients.cloudTrail(homeRegion)
    // What a member account may not read of its organization's trail is no lack of the auditor's.
    const isOthers = arn.split(':')[4] !== accountId
    const isKept = (answer: Asked<unknown>): boolean => isOthers && isUnread(answer) && answer.because === 'denied'
    const described = { name: present(trail.Name), homeRegion, isMultiRegion: trail.IsMultiRegionTrail ?? false }
    const status = await asked('cloudtrail:GetTrailStatus', async () =>
      present((await client.send(new GetTrailStatusCommand({ Name: arn }))).IsLogging),
    )
    if (isKept(status)) return observed({ ...described, isLogging: true, managementEvents: 'unclear' })
    if (!isRead(status)) return status
    const events = await asked<ManagementEvents>('cloudtrail:GetEventSelectors', async () =>
      managementEventsOf(await client.send(new GetEventSelectorsCommand({ TrailName: arn }))),
    )
    return mapped<ManagementEvents, TrailCoverage>(isKept(events) ? observed('unclear') : events, (managementEvents) => ({
      ...described,
      isLogging: status.value,
      managementEvents,
    }))
  }

  return { trails: once(trails) }
}
