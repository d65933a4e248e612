/**
 * Frees memory at once that nobody looks at any more. Left to V8, up to 64 MiB of it pile up before it cares
 * (kExternalAllocationSoftLimit), whatever the heap's limits are.
 */
export function free(memory: ArrayBufferLike): void {
  if (memory instanceof ArrayBuffer) memory.transfer(0)
}
