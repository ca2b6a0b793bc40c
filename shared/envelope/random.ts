import { randomFillSync } from 'node:crypto'

/** Filled by OpenSSL in one go: 32 bytes cost a tenth of what they cost alone. */
const pool = Buffer.alloc(4096)
let used = pool.length

/** Writes `length` random bytes to `target`, which nobody else gets. Message ids only: keys never lie in a pool. */
export function writeRandom(target: Uint8Array, at: number, length: number): void {
  if (used + length > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  target.set(pool.subarray(used, used + length), at)
  used += length
}
