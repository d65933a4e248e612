/** Whether a file or process is simply not there, by what the system said: a process ends, a file is renamed, a kernel lacks a feature. */
export function isAbsent(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false
  const code = 'code' in thrown ? thrown.code : undefined
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ESRCH' || isAbsent(thrown.cause)
}
