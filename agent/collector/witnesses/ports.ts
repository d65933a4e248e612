import type { Used } from '../../findings/evidence.ts'
import type { HostReads } from '../host/host-reads.ts'
import { numberOf } from '../host/process-files.ts'

/** Share of the range that all sockets together must take before they are counted by their peers. */
const NEARLY = 0.9
/** Bytes of one table: 150 for a socket, of which there are 28,232 in the range that Linux has. */
const TABLE_BYTES = 8 * 1024 * 1024
/** A line of /proc/net/tcp (proc_pid_net(5)): local and remote address and port, hexadecimal. */
const SOCKET = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) ([0-9A-F]+:[0-9A-F]{4}) /gm

/**
 * The local ports towards the peer that has most of them. By /proc/net/sockstat alone on all but those few hosts that have as many sockets as there are ports; one
 * has ports enough if many peers share them.
 */
export async function portsUsed(reads: HostReads): Promise<Used | undefined> {
  const range = await reads.text('proc/sys/net/ipv4/ip_local_port_range', { optional: true })
  const [first = Number.NaN, last = Number.NaN] = (range ?? '').trim().split(/\s+/).map(Number)
  const most = last - first + 1
  if (!(most > 0)) return undefined
  const stat = await reads.text('proc/net/sockstat', { optional: true })
  const tcp = /^TCP: inuse (\d+) orphan \d+ tw (\d+)/m.exec(stat ?? '')
  const six = numberOf(await reads.text('proc/net/sockstat6', { optional: true }), 'TCP6: inuse') ?? 0
  const all = Number(tcp?.[1] ?? 0) + Number(tcp?.[2] ?? 0) + six
  if (all < most * NEARLY) return { used: 0, most }
  const peers = new Map<string, number>()
  for (const table of ['proc/net/tcp', 'proc/net/tcp6']) {
    const text = (await reads.text(table, { optional: true, limit: TABLE_BYTES, head: true })) ?? ''
    for (const [, local = '', peer = ''] of text.matchAll(SOCKET)) {
      const port = Number.parseInt(local, 16)
      if (port >= first && port <= last) peers.set(peer, (peers.get(peer) ?? 0) + 1)
    }
  }
  return { used: Math.max(0, ...peers.values()), most }
}
