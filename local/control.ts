import { type JsonObject, memberOf } from '../shared/json.ts'
import { ADVANCE_MS_MAX, type LocalClock } from './clock.ts'
import { type HttpAnswer, jsonAnswer } from './http.ts'
import { jsonBody } from './json-body.ts'

export const CONTROL_PATH = '/_keytrail/'

export type ControlAnswer = { readonly status: number; readonly body: JsonObject }
export type ControlHandler = (input: JsonObject) => ControlAnswer | Promise<ControlAnswer>
/** By method and path below `/_keytrail`, such as `GET /clock`. The input is the JSON body; `{}` without one. */
export type ControlHandlers = Readonly<Record<string, ControlHandler>>

/** `GET /health`, `GET /clock`, `POST /clock/advance {"ms": n}`: answered once everything due until then has run. */
export function clockControl(clock: LocalClock): ControlHandlers {
  return {
    'GET /health': () => ({ status: 200, body: { status: 'ok' } }),
    'GET /clock': () => ({ status: 200, body: timeOf(clock) }),
    'POST /clock/advance': async (input) => {
      const ms = memberOf(input, 'ms')
      if (typeof ms !== 'number' || !Number.isSafeInteger(ms) || ms < 0 || ms > ADVANCE_MS_MAX) {
        return { status: 400, body: { message: `"ms" must be a whole number from 0 to ${ADVANCE_MS_MAX}` } }
      }
      await clock.advance(ms)
      return { status: 200, body: timeOf(clock) }
    },
  }
}

/** Answers a control request. Throws what a handler throws. */
export async function controlAnswer(
  handlers: ControlHandlers,
  request: { readonly method: string; readonly target: string; readonly body: Buffer },
): Promise<HttpAnswer> {
  const path = request.target.slice(CONTROL_PATH.length - 1).split('?', 1)[0] ?? ''
  const name = `${request.method} ${path}`
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined
  if (handler === undefined) return jsonAnswer(404, { message: 'no such control request', known: Object.keys(handlers) })
  const input = jsonBody(request.body)
  if (input === null) return jsonAnswer(400, { message: 'the body is not a JSON object' })
  const { status, body } = await handler(input)
  return jsonAnswer(status, body)
}

function timeOf(clock: LocalClock): JsonObject {
  const nowMs = clock.nowMs()
  return { nowMs, now: new Date(nowMs).toISOString() }
}
