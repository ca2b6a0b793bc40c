// Imported as a module, `node:http` loads the whole of `fetch` and WebSocket for its exports: longer than all else of a start.
// https://github.com/nodejs/node/blob/v24.x/lib/http.js
const { Agent, request } = process.getBuiltinModule('node:http')

/** Far more than a control request answers. */
const ANSWER_BYTES_MAX = 64 * 1024

/**
 * Asks the local cloud's own controls, which stand beside its services. Straight there: `fetch`, and the agent that all requests share, go
 * by way of a proxy where NODE_USE_ENV_PROXY says so. https://nodejs.org/api/http.html#built-in-proxy-support
 * @throws if nobody answers within this time (none: however long it takes)
 */
export function askLocal(
  url: string,
  {
    method = 'GET',
    name,
    body,
    timeoutMs,
  }: { readonly method?: string; readonly name: string; readonly body?: object; readonly timeoutMs?: number },
): Promise<{ readonly status: number; readonly body: unknown }> {
  return new Promise((resolve, reject) => {
    const signal = timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) }
    const asked = request(`${url}/_keytrail/${name}`, { method, agent: new Agent(), ...signal }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('error', reject)
      answer.on('data', (piece: string) => {
        text += piece
        if (text.length > ANSWER_BYTES_MAX) answer.destroy(new Error(`the local cloud answers ${name} without end`))
      })
      answer.on('end', () => {
        const parsed = parsedOrUndefined(text)
        if (parsed === undefined) reject(new Error(`the local cloud answers ${name} with something that is no JSON`))
        else resolve({ status: answer.statusCode ?? 0, body: parsed })
      })
    })
    asked.on('error', reject)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
