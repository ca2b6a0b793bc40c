import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AwsAccess } from '../../../shared/aws/access.ts'

/** A call as it comes over the wire: the operation of JSON services stands in a header, that of the others in the path. */
export type Called = { readonly operation: string; readonly path: string; readonly query: URLSearchParams; readonly input: unknown }
export type Answer = { readonly status?: number; readonly type?: string; readonly body: string }

export type Answering = { readonly access: AwsAccess; readonly calls: readonly Called[]; close(): Promise<void> }

/** What stands in for AWS, and says what the test wants. */
export async function answering(answer: (called: Called) => Answer): Promise<Answering> {
  const calls: Called[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const text = Buffer.concat(await request.toArray()).toString('utf8')
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://127.0.0.1')
      const target = String(request.headers['x-amz-target'] ?? '')
      const called = {
        operation: target.split('.').at(-1) ?? '',
        path: pathname,
        query: searchParams,
        input: text.startsWith('{') ? (JSON.parse(text) as unknown) : text,
      }
      calls.push(called)
      const { status = 200, type = 'application/x-amz-json-1.1', body } = answer(called)
      response.writeHead(status, { 'content-type': type }).end(body)
    })()
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    calls,
    access: {
      region: 'eu-central-1',
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      credentials: { accessKeyId: 'AKIAAUDITOR', secretAccessKey: 'none' },
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => void server.close(resolve))
    },
  }
}
