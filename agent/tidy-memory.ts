/**
 * Buffers live outside of V8's heap, and V8 lets about 64 MiB of dead ones pile up before it cares (measured, Node 26), in
 * each of the two processes. Collecting them every so many bytes keeps the memory of a capture flat for some 8 % of CPU.
 */
const EVERY_BYTES = 16 * 1024 * 1024

/**
 * Call it with the bytes that have passed through. Does nothing where Node was started without --expose-gc: only the units,
 * which promise a limit, do so.
 */
export function tidyMemory(): (bytes: number) => void {
  let passed = 0
  return (bytes) => {
    passed += bytes
    if (passed < EVERY_BYTES) return
    passed = 0
    globalThis.gc?.()
  }
}
