import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** As in `x-amz-checksum-<name>`; those of XXHash are not had. https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html */
export const CHECKSUM_ALGORITHMS = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256', 'sha512', 'md5'] as const
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number]

/** Castagnoli's, reflected. https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4 */
const CRC32C = 0x82f6_3b78
/** NVMe's 0xad93d23594c93659, reflected. https://reveng.sourceforge.io/crc-catalogue/17plus.htm#crc.cat.crc-64-nvme */
const CRC64NVME = 0x9a6c_9329_ac4b_c9b5n

/** The checksum in base64, big-endian, as S3 writes it. */
export function checksumOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array): string {
  switch (algorithm) {
    case 'crc32':
      return words([crc32(bytes)])
    case 'crc32c':
      return words([crc32c(bytes)])
    case 'crc64nvme':
      return words(crc64nvme(bytes))
    case 'sha1':
    case 'sha256':
    case 'sha512':
    case 'md5':
      return createHash(algorithm).update(bytes).digest('base64')
  }
}

export function isChecksumAlgorithm(name: string): name is ChecksumAlgorithm {
  return (CHECKSUM_ALGORITHMS as readonly string[]).includes(name)
}

function words(values: readonly number[]): string {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => bytes.writeUInt32BE(value >>> 0, index * 4))
  return bytes.toString('base64')
}

const table32 = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CRC32C : crc >>> 1
  return crc >>> 0
})

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) crc = (crc >>> 8) ^ (table32[(crc ^ byte) & 0xff] ?? 0)
  return ~crc
}

const table64 = Array.from({ length: 256 }, (_, byte) => {
  let crc = BigInt(byte)
  for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ CRC64NVME : crc >> 1n
  return crc
})
const high64 = Uint32Array.from(table64, (crc) => Number(crc >> 32n))
const low64 = Uint32Array.from(table64, (crc) => Number(crc & 0xffff_ffffn))

/** In two halves: whole numbers of 64 bits are fifty times slower. */
function crc64nvme(bytes: Uint8Array): readonly [high: number, low: number] {
  let high = 0xffff_ffff
  let low = 0xffff_ffff
  for (const byte of bytes) {
    const index = (low ^ byte) & 0xff
    low = ((low >>> 8) | (high << 24)) ^ (low64[index] ?? 0)
    high = (high >>> 8) ^ (high64[index] ?? 0)
  }
  return [~high, ~low]
}
