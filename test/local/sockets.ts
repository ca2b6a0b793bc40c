import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const LISTEN = '0A'
/** 127.0.0.1 as /proc/net/tcp writes it. https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html */
const LOOPBACK = '0100007F'

/** The addresses (hexadecimal, `<address>:<port>`) other than 127.0.0.1 on which this process listens. */
export function listeningBeyondLoopback(): readonly string[] {
  const own = new Set(readdirSync('/proc/self/fd').map(socketOf))
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((file) => readFileSync(file, 'utf8').trim().split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode = '']) => state === LISTEN && own.has(inode))
    .map(([, local = '']) => local)
    .filter((local) => !local.startsWith(`${LOOPBACK}:`))
}

function socketOf(fd: string): string | null {
  try {
    return /^socket:\[(?<inode>\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.groups?.['inode'] ?? null
  } catch {
    // The folder was being listed through it.
    return null
  }
}
