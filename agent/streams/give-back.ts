/**
 * Frees memory at once that nobody looks at any more. Left to V8, up to 64 MiB of it pile up before it cares
 * (kExternalAllocationSoftLimit), whatever the heap's limits are.
 */
export function release(memory: ArrayBufferLike): void {
  if (memory instanceof ArrayBuffer) memory.transfer(0)
}

/** Takes pieces back, and releases their memory when all of it has come back. */
export function pieceCounter(): (piece: Buffer) => void {
  const returned = new WeakMap<ArrayBufferLike, number>()
  return ({ buffer, length }) => {
    const bytes = (returned.get(buffer) ?? 0) + length
    returned.set(buffer, bytes)
    if (bytes === buffer.byteLength) release(buffer)
  }
}
