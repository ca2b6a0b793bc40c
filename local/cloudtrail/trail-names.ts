import type { ServiceCall } from '../service.ts'
import { type Refusal, refusal } from '../recorded-operation.ts'
import type { Trails, TrailState } from './trails.ts'

const NAME = /^[a-z\d](?:[a-z\d]|[._-](?=[a-z\d])){2,127}$/i
const IP_ADDRESS = /^\d{1,3}(?:\.\d{1,3}){3}$/
const TRAIL_ARN = /^arn:aws:cloudtrail:[a-z\d-]+:\d{12}:trail\/(.+)$/

/** Why a text is no trail's name. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html */
export function badTrailName(name: string): Refusal | null {
  if (NAME.test(name) && !IP_ADDRESS.test(name)) return null
  return refusal(
    'InvalidTrailNameException',
    'Trail name must have 3 to 128 letters, digits, periods, underscores or dashes, begin and end with a letter or digit, ' +
      'have no two of the other characters in a row, and be no IP address.',
  )
}

/** The trail that a name or ARN means to a call. Changes are made in the trail's home Region only. */
export function trailOfCall(trails: Trails, call: ServiceCall, name: unknown, use: 'read' | 'change'): TrailState | Refusal {
  if (typeof name !== 'string' || name === '') return refusal('InvalidTrailNameException', 'Trail name cannot be blank!')
  if (name.startsWith('arn:') && !TRAIL_ARN.test(name)) return refusal('CloudTrailARNInvalidException', 'This is no ARN of a trail.')
  const badName = badTrailName(TRAIL_ARN.exec(name)?.[1] ?? name)
  if (badName !== null) return badName
  const trail = name.startsWith('arn:') ? trails.find(name) : trailByName(trails, call, name)
  if (trail === null || (use === 'read' && !isSeenIn(trail, call.region))) {
    return refusal('TrailNotFoundException', `Unknown trail: ${name} for the user: ${call.accountId}`)
  }
  if (use === 'change' && trail.homeRegion !== call.region) {
    return refusal('InvalidHomeRegionException', `Trail ${trail.name} must be changed in its home Region ${trail.homeRegion}.`)
  }
  return trail
}

function trailByName(trails: Trails, call: ServiceCall, name: string): TrailState | null {
  return trails.find(trailArn(call, name)) ?? trails.list().find((trail) => trail.name === name && trail.settings.isMultiRegion) ?? null
}

/** A trail of all Regions has a shadow in each. */
export function isSeenIn(trail: TrailState, region: string): boolean {
  return trail.homeRegion === region || trail.settings.isMultiRegion
}

export function trailArn(call: ServiceCall, name: string): string {
  return `arn:aws:cloudtrail:${call.region}:${call.accountId}:trail/${name}`
}
