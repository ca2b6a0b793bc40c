/** Bytes that came in pieces, taken out in pieces of other lengths. Pieces are kept, not copied, unless they are small. */
export type ByteQueue = {
  readonly length: number
  push(bytes: Buffer): void
  /** The first `count` bytes, which stay where they are. There must be so many. */
  peek(count: number): Buffer
  /** The first `count` bytes. There must be so many. */
  take(count: number): Buffer
  /** The same as they came: in one piece or several, none of them empty. */
  takePieces(count: number): readonly Buffer[]
}

/** Below this, a piece is copied behind the last one: a piece costs 100 bytes beside what it holds, and may keep a larger one alive. */
const SMALL_BYTES = 4096
const GATHERED_BYTES = 64 * 1024

export function createByteQueue(): ByteQueue {
  let pieces: Buffer[] = []
  let first = 0
  let length = 0
  /** Room that the last piece may grow into; `grown` of its bytes are used. */
  let room: Buffer | null = null
  let grown = 0

  function push(bytes: Buffer): void {
    if (bytes.length === 0) return
    length += bytes.length
    if (bytes.length >= SMALL_BYTES) {
      pieces.push(bytes)
      room = null
      return
    }
    const last = pieces.at(-1)
    if (room !== null && last !== undefined && grown + bytes.length <= room.length) {
      room.set(bytes, grown)
      grown += bytes.length
      pieces[pieces.length - 1] = room.subarray(grown - bytes.length - last.length, grown)
      return
    }
    room = Buffer.allocUnsafe(GATHERED_BYTES)
    room.set(bytes)
    grown = bytes.length
    pieces.push(room.subarray(0, grown))
  }

  function takePieces(count: number): readonly Buffer[] {
    const taken: Buffer[] = []
    let left = count
    while (left > 0) {
      const piece = pieces[first]
      if (piece === undefined) throw new Error('more bytes were asked for than there are')
      taken.push(piece.length <= left ? piece : piece.subarray(0, left))
      if (piece.length > left) pieces[first] = piece.subarray(left)
      else first++
      left -= Math.min(left, piece.length)
    }
    length -= count
    // Not at every piece: moving the rest each time would make long queues slow.
    if (first > pieces.length / 2) {
      pieces = pieces.slice(first)
      first = 0
    }
    if (pieces.length === 0) room = null
    return taken
  }

  function peek(count: number): Buffer {
    const piece = pieces[first]
    if (piece !== undefined && piece.length >= count) return piece.subarray(0, count)
    const copy = Buffer.alloc(count)
    let at = 0
    for (let index = first; at < count && index < pieces.length; index++) {
      const next = pieces[index] ?? copy
      next.copy(copy, at, 0, count - at)
      at += Math.min(next.length, count - at)
    }
    return copy
  }

  function take(count: number): Buffer {
    const taken = takePieces(count)
    return taken.length === 1 && taken[0] !== undefined ? taken[0] : Buffer.concat(taken)
  }

  return {
    get length() {
      return length
    },
    push,
    peek,
    take,
    takePieces,
  }
}
