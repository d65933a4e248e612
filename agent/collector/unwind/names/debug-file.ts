/** Where a debugger looks for what strip(1) took out of a file: gdb's "Separate Debug Files", by build id. */
export const DEBUG_DIRECTORY = 'usr/lib/debug/.build-id'

/** An id of 8 bytes or more, as linkers make them. */
const BUILD_ID = /^[0-9a-f]{16,128}$/

/** Path of a file's separate debug file below DEBUG_DIRECTORY; undefined where its build id names none. */
export function debugPath(buildId: string | undefined): string | undefined {
  if (buildId === undefined || !BUILD_ID.test(buildId)) return undefined
  return `${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`
}
