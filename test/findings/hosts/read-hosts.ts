import type { Seen } from '../../../agent/findings/seen.ts'

/** What the rules saw of a real host, and what its first finding is to be: `exhausted pids greedy.service`. */
export interface HostSeen {
  readonly first: string
  readonly seen: Seen
}

/** The hosts of one file, a line each, as test/vm/recorded.ts writes them. */
export async function readHosts(path: string, read: (path: string) => Promise<string>): Promise<readonly HostSeen[]> {
  const lines = (await read(path)).split('\n').filter((line) => line !== '')
  return lines.map((line) => {
    const { first, seen } = JSON.parse(line) as HostSeen
    const { evidence } = seen
    return { first, seen: { ...seen, ...(evidence && { evidence: { ...evidence, texts: new Map() } }) } }
  })
}
